//! Rules: which credentials there are, at present.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::HeaderMap;

use super::credential::{Credential, Presented, Scope, Scopes};
use super::quota::Quota;
use crate::config::{DEFAULT_TENANT, TenantLimits};
use crate::keeper::Tenant;

/// The rules, shared by all ports; a reload exchanges them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Access(Arc<RwLock<Arc<Rules>>>);

#[derive(Debug)]
struct Rules {
    /// None of them: everybody is the default tenant and may do everything.
    credentials: Vec<(Credential, Arc<Quota>)>,
    /// By tenant; the empty name is the default tenant.
    quotas: BTreeMap<String, Arc<Quota>>,
}

/// Who sent a request: a tenant, and what it may do.
#[derive(Clone, Debug)]
pub struct Caller {
    quota: Arc<Quota>,
    scopes: Scopes,
    /// Whether there are other tenants whose share it must leave.
    shares: bool,
}

/// Why a request may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It brings no credential that is known.
    Unknown,
    /// Its credential is not for this.
    Scope(Scope),
    /// Its tenant sent too many requests.
    Rate(Duration),
}

impl Default for Access {
    /// No credentials: everybody is the default tenant and may do everything.
    fn default() -> Access {
        Access::new(Vec::new(), &[])
    }
}

impl Access {
    /// Rules of these credentials and tenants.
    #[must_use]
    pub fn new(credentials: Vec<Credential>, tenants: &[TenantLimits]) -> Access {
        let rules = Rules::new(credentials, tenants, BTreeMap::new());
        Access(Arc::new(RwLock::new(Arc::new(rules))))
    }

    /// Puts other rules in their place, for every request from now on.
    pub fn exchange(&self, credentials: Vec<Credential>, tenants: &[TenantLimits]) {
        let mut rules = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *rules = Arc::new(Rules::new(credentials, tenants, rules.quotas.clone()));
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who sends a request with these headers.
    ///
    /// # Errors
    /// [`Denied::Unknown`].
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Denied> {
        let rules = self.rules();
        if rules.credentials.is_empty() {
            let quota = rules.quotas.get("").ok_or(Denied::Unknown)?;
            return Ok(Caller { quota: Arc::clone(quota), scopes: Scopes::ALL, shares: false });
        }
        let presented = Presented::of(headers).ok_or(Denied::Unknown)?;
        let mut found = None;
        // All of them, also after the right one: how long it takes tells nothing.
        for (credential, quota) in &rules.credentials {
            if presented.is(credential) {
                found = Some((credential.scopes, quota));
            }
        }
        let (scopes, quota) = found.ok_or(Denied::Unknown)?;
        let shares = rules.quotas.len() > 1;
        Ok(Caller { quota: Arc::clone(quota), scopes, shares })
    }

    /// The same, for a purpose; it counts as a request of the tenant.
    ///
    /// # Errors
    /// Any [`Denied`].
    pub fn admit(&self, headers: &HeaderMap, scope: Option<Scope>) -> Result<Caller, Denied> {
        let caller = self.caller(headers)?;
        if let Some(scope) = scope.filter(|scope| !caller.may(*scope)) {
            return Err(Denied::Scope(scope));
        }
        caller.quota.take_request().map_err(Denied::Rate)?;
        Ok(caller)
    }

    /// The tenants that are configured, or were once since the start; the empty name is the
    /// default tenant.
    #[must_use]
    pub fn quotas(&self) -> Vec<Arc<Quota>> {
        self.rules().quotas.values().cloned().collect()
    }
}

impl Rules {
    /// `kept` are the quotas so far: what is in flight must be given back to the same ones.
    fn new(
        credentials: Vec<Credential>,
        tenants: &[TenantLimits],
        kept: BTreeMap<String, Arc<Quota>>,
    ) -> Rules {
        let mut quotas = kept;
        let mut of = |tenant: &str| {
            let tenant = if tenant == DEFAULT_TENANT { "" } else { tenant };
            let quota = quotas.entry(tenant.to_owned());
            Arc::clone(quota.or_insert_with(|| Arc::new(Quota::new(tenant))))
        };
        // Without credentials there is nobody else.
        if credentials.is_empty() {
            of(DEFAULT_TENANT);
        }
        let credentials = credentials
            .into_iter()
            .map(|credential| {
                let quota = of(&credential.tenant);
                (credential, quota)
            })
            .collect();
        for quota in quotas.values() {
            let named = |limits: &&TenantLimits| {
                let name = quota.tenant().name();
                limits.name == if name.is_empty() { DEFAULT_TENANT } else { name }
            };
            let limits = tenants.iter().find(named);
            quota.limit(limits.and_then(|limits| limits.requests_per_second));
        }
        Rules { credentials, quotas }
    }
}

impl Caller {
    /// The default tenant with every scope: who calls from within the program.
    #[must_use]
    pub fn inside() -> Caller {
        Caller { quota: Arc::new(Quota::new("")), scopes: Scopes::ALL, shares: false }
    }

    /// The tenant of this name with every scope; the default tenant may be named too. A caller
    /// of its own: what it has in hand counts for nobody else.
    #[must_use]
    pub fn of_tenant(name: &str) -> Caller {
        let name = if name == DEFAULT_TENANT { "" } else { name };
        Caller { quota: Arc::new(Quota::new(name)), ..Caller::inside() }
    }

    /// Whose books it writes and reads.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        self.quota.tenant()
    }

    /// Whether it may do this.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.allow(scope)
    }

    /// What its tenant has taken.
    #[must_use]
    pub fn quota(&self) -> &Arc<Quota> {
        &self.quota
    }

    /// Whether there are other tenants whose share of the program it must leave.
    #[must_use]
    pub fn shares(&self) -> bool {
        self.shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::secret::Digest;
    use http::header;

    fn credential(name: &str, tenant: &str, scopes: &[Scope]) -> Credential {
        let scopes = scopes.iter().copied().collect();
        let digest = Digest::of(name.as_bytes());
        Credential { name: name.into(), tenant: tenant.into(), digest, scopes }
    }

    fn bearer(secret: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {secret}").parse().unwrap());
        headers
    }

    #[test]
    fn without_credentials_everybody_is_the_default_tenant() {
        let access = Access::default();
        let caller = access.admit(&HeaderMap::new(), Some(Scope::Operate)).unwrap();
        assert_eq!((caller.tenant().name(), caller.shares()), ("", false));
    }

    #[test]
    fn a_credential_is_for_its_tenant_and_its_scopes() {
        let writes = [Scope::WriteTelemetry];
        let all = vec![
            credential("a", "acme", &writes),
            credential("b", DEFAULT_TENANT, &[Scope::Operate]),
        ];
        let access = Access::new(all, &[]);
        let caller = access.admit(&bearer("a"), Some(Scope::WriteTelemetry)).unwrap();
        assert_eq!((caller.tenant().name(), caller.shares()), ("acme", true));
        let denied = access.admit(&bearer("a"), Some(Scope::ReadOutcomes)).unwrap_err();
        assert_eq!(denied, Denied::Scope(Scope::ReadOutcomes));
        assert_eq!(access.caller(&bearer("b")).unwrap().tenant().name(), "");
        for headers in [bearer("c"), bearer(""), HeaderMap::new()] {
            assert_eq!(access.caller(&headers).unwrap_err(), Denied::Unknown);
        }
    }

    #[test]
    fn an_exchange_keeps_what_tenants_have_taken() {
        let writes = [Scope::WriteTelemetry];
        let limits = |rate| [TenantLimits { name: "acme".into(), requests_per_second: rate }];
        let access = Access::new(vec![credential("old", "acme", &writes)], &limits(Some(1)));
        let before = access.admit(&bearer("old"), None).unwrap();
        before.quota().take_bytes(7);
        access.exchange(vec![credential("new", "acme", &writes)], &limits(Some(1)));
        assert_eq!(access.caller(&bearer("old")).unwrap_err(), Denied::Unknown);
        let after = access.admit(&bearer("new"), None).unwrap();
        assert_eq!(after.quota().in_flight_bytes(), 7);
        assert!(matches!(access.admit(&bearer("new"), None), Err(Denied::Rate(_))));
    }
}
