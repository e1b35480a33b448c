//! Prices: reads price sheets from the shipped data and from files.
//!
//! A file's format is known by its shape; `PRICE_SOURCES` is the table of formats.

#[cfg(test)]
mod captures;
mod dates;
mod genai;
mod litellm;
mod overlay;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};
use countersign_core::price::{Catalog, Sheet};
use serde_json::Value;

use crate::limits;

pub use dates::{date, parse_time};

/// A format of price files.
struct PriceSource {
    /// What it is called in messages.
    name: &'static str,
    /// Whether a document has its shape.
    fits: fn(&Value) -> bool,
    /// Reads a document; the text is what the sheet is called.
    read: fn(&Value, String) -> Result<Sheet>,
}

const PRICE_SOURCES: &[PriceSource] = &[
    PriceSource { name: "genai-prices JSON", fits: genai::fits, read: genai::read },
    PriceSource { name: "countersign overlay", fits: overlay::fits, read: overlay::read },
    PriceSource { name: "LiteLLM JSON", fits: litellm::fits, read: litellm::read },
];

/// The data of the crate genai-prices, as published.
const SHIPPED: &str = include_str!("../../data/genai-prices.json");
/// The release that the data is from.
const SHIPPED_ORIGIN: &str = "genai-prices 0.2.1";

static SHIPPED_CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let document = serde_json::from_str(SHIPPED).expect("the shipped prices are JSON");
    let sheet = genai::read(&document, SHIPPED_ORIGIN.to_owned());
    let mut catalog = Catalog::default();
    catalog.lay(sheet.expect("the shipped prices are valid"));
    catalog
});

/// The shipped catalog with the files laid on top, in order: later files win.
///
/// # Errors
/// A file that cannot be read, has no known format or an entry that is wrong; the message names
/// the file, the entry and what was expected.
pub fn catalog(files: &[PathBuf]) -> Result<Catalog> {
    let mut catalog = SHIPPED_CATALOG.clone();
    for file in files {
        let sheet = read_file(file).with_context(|| format!("price file {}", file.display()))?;
        catalog.lay(sheet);
    }
    Ok(catalog)
}

fn read_file(path: &Path) -> Result<Sheet> {
    let mut text = String::new();
    let limit = limits::PRICE_FILE_BYTES_MAX;
    File::open(path)?.take(limit + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        bail!("is larger than {limit} bytes");
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    read_text(&text, name.to_string_lossy().into_owned())
}

fn read_text(text: &str, origin: String) -> Result<Sheet> {
    let document = if text.trim_start().starts_with(['{', '[']) {
        serde_json::from_str(text).context("expected JSON")?
    } else {
        serde_saphyr::from_str(text).context("expected YAML or JSON")?
    };
    let Some(source) = PRICE_SOURCES.iter().find(|source| (source.fits)(&document)) else {
        let names: Vec<_> = PRICE_SOURCES.iter().map(|source| source.name).collect();
        bail!("has none of the known formats: {}", names.join(", "));
    };
    (source.read)(&document, origin).with_context(|| format!("read as {}", source.name))
}
