//! The price card of a model: one price for each component of a call.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Ask;
use super::rate::{Atto, Rate};
use crate::fact::Usage;

macro_rules! components {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $parent:expr;)*) => {
        /// What a call is charged for. The components of a call do not overlap.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Component {
            $($(#[$doc])* $variant,)*
        }

        impl Component {
            /// Every component.
            pub const ALL: &'static [Component] = &[$(Component::$variant,)*];

            /// The word for it, as in price overlays.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Component::$variant => $word,)*
                }
            }

            /// The component whose price holds where this one has none of its own.
            #[must_use]
            pub const fn parent(self) -> Option<Component> {
                match self {
                    $(Component::$variant => $parent,)*
                }
            }
        }
    };
}

components! {
    /// Input tokens that are neither cached nor audio.
    Input = "input", None;
    /// Input tokens read from a cache.
    CacheRead = "cache_read", Some(Component::Input);
    /// Input tokens written to a cache for some minutes.
    CacheWrite = "cache_write", Some(Component::Input);
    /// Input tokens written to a cache for an hour.
    CacheWrite1h = "cache_write_1h", Some(Component::CacheWrite);
    /// Output tokens that are neither reasoning nor audio.
    Output = "output", None;
    /// Output tokens of reasoning.
    Reasoning = "reasoning", Some(Component::Output);
    /// Input tokens of audio, outside any cache.
    InputAudio = "input_audio", Some(Component::Input);
    /// Output tokens of audio.
    OutputAudio = "output_audio", Some(Component::Output);
    /// The request itself.
    Request = "request", None;
}

const COMPONENTS: usize = Component::ALL.len();

/// The price of one component, which may depend on how large the call's input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The price up to the first cliff.
    pub base: Rate,
    /// Cliffs in rising order. A cliff is not marginal: a call whose whole input has more tokens
    /// than `above` pays `rate` for all tokens of the component.
    pub cliffs: Box<[Cliff]>,
}

/// A price that holds for calls with a large input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cliff {
    /// The most input tokens, cached ones included, to which this price does not apply.
    pub above: u64,
    /// The price above.
    pub rate: Rate,
}

impl Price {
    /// A price without cliffs.
    #[must_use]
    pub fn flat(base: Rate) -> Price {
        Price { base, cliffs: Box::default() }
    }

    /// A price with cliffs, in any order.
    #[must_use]
    pub fn tiered(base: Rate, mut cliffs: Vec<Cliff>) -> Price {
        cliffs.sort_by_key(|cliff| cliff.above);
        Price { base, cliffs: cliffs.into() }
    }

    /// The rate for a call with so many input tokens, and the cliff it is above.
    #[must_use]
    pub fn at(&self, input: u64) -> (Rate, Option<u64>) {
        match self.cliffs.iter().rev().find(|cliff| input > cliff.above) {
            Some(cliff) => (cliff.rate, Some(cliff.above)),
            None => (self.base, None),
        }
    }
}

/// Prices of a model's components; what is absent costs what its parent costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card([Option<Price>; COMPONENTS]);

impl Card {
    /// Sets the price of a component.
    pub fn set(&mut self, component: Component, price: Price) {
        if let Some(slot) = self.0.get_mut(component as usize) {
            *slot = Some(price);
        }
    }

    /// The component's own price.
    #[must_use]
    pub fn get(&self, component: Component) -> Option<&Price> {
        self.0.get(component as usize).and_then(Option::as_ref)
    }

    /// Whether nothing has a price.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// The cards that hold for a call: the standard one, and the service tier's on top of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cards<'c> {
    pub(super) standard: &'c Card,
    pub(super) tier: Option<&'c Card>,
}

impl<'c> Cards<'c> {
    /// The price of a component: its own in the tier or the standard, or else its parent's.
    pub(super) fn price(&self, component: Component) -> Option<&'c Price> {
        let mut wanted = Some(component);
        while let Some(component) = wanted {
            let own = self.tier.and_then(|card| card.get(component));
            if let Some(price) = own.or_else(|| self.standard.get(component)) {
                return Some(price);
            }
            wanted = component.parent();
        }
        None
    }

    /// Charges a call component by component. Gives the exact sum, or the component that was
    /// used and has no price.
    pub(super) fn charge(
        &self,
        ask: &Ask<'_>,
        usage: &Usage,
        mut charged: impl FnMut(Component, u64, Rate, Option<u64>),
    ) -> Result<Atto, Component> {
        let mut sum = Atto::default();
        for (component, count) in counts(ask, usage) {
            if count == 0 {
                continue;
            }
            let Some(price) = self.price(component) else {
                if component == Component::Request {
                    continue;
                }
                return Err(component);
            };
            let (rate, cliff) = price.at(usage.input);
            sum = sum.plus(rate.times(count));
            charged(component, count, rate, cliff);
        }
        Ok(sum)
    }
}

/// How much of each component a call used. What contradicts itself (more cached than input)
/// is cut to what is there, so that no token is charged twice.
fn counts(ask: &Ask<'_>, usage: &Usage) -> [(Component, u64); COMPONENTS] {
    let mut input = usage.input;
    let cache_read = take(&mut input, usage.cache_read);
    let mut cache_write = take(&mut input, usage.cache_write);
    let cache_write_1h = take(&mut cache_write, ask.cache_write_1h);
    let input_audio = take(&mut input, ask.input_audio);
    let mut output = usage.output;
    let reasoning = take(&mut output, usage.reasoning);
    let output_audio = take(&mut output, ask.output_audio);
    [
        (Component::Input, input),
        (Component::CacheRead, cache_read),
        (Component::CacheWrite, cache_write),
        (Component::CacheWrite1h, cache_write_1h),
        (Component::Output, output),
        (Component::Reasoning, reasoning),
        (Component::InputAudio, input_audio),
        (Component::OutputAudio, output_audio),
        (Component::Request, 1),
    ]
}

/// Takes up to `wanted` out of `from`.
fn take(from: &mut u64, wanted: u64) -> u64 {
    let taken = wanted.min(*from);
    *from -= taken;
    taken
}
