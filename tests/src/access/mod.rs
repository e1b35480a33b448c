//! Who may connect and what they may do: the real program with certificates and credentials.

mod site;

mod credentials;
mod limits;
mod operator;
mod reload;
mod tenants;
mod tls;
