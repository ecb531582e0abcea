//! The licences of all dependencies against the list in `deny.toml`, for machines without `cargo deny`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

/// A dependency and the licence expression that it states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its SPDX expression, where it states one.
    pub licence: Option<String>,
}

/// What `deny.toml` allows.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allow: BTreeSet<String>,
    exceptions: BTreeMap<String, BTreeSet<String>>,
    clarified: BTreeMap<String, String>,
}

/// The packages of `cargo metadata` that come from elsewhere (our own are all Apache-2.0).
///
/// # Errors
/// The text is not what `cargo metadata --format-version 1` writes.
pub fn packages(metadata: &str) -> Result<Vec<Package>> {
    let document: Value = serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
    let list = document["packages"].as_array().context("cargo metadata has no packages")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    list.iter()
        .filter(|package| !package["source"].is_null())
        .map(|package| {
            Ok(Package {
                name: text(&package["name"]).context("a package has no name")?,
                version: text(&package["version"]).context("a package has no version")?,
                licence: text(&package["license"]),
            })
        })
        .collect()
}

impl Policy {
    /// Reads `[licenses]` with `allow`, `exceptions` and `clarify`.
    ///
    /// # Errors
    /// Not TOML, or no list of allowed licences.
    pub fn parse(text: &str) -> Result<Self> {
        let document: toml::Table = text.parse().context("not TOML")?;
        let licences = document.get("licenses").and_then(toml::Value::as_table).context("there is no [licenses]")?;
        let allow = licences.get("allow").map(strings).context("licenses.allow is missing")?;
        let mut policy = Self { allow, ..Self::default() };
        for entry in tables(licences, "exceptions") {
            let name = crate_name(entry).context("an exception names no crate")?;
            policy.exceptions.insert(name, entry.get("allow").map(strings).unwrap_or_default());
        }
        for entry in tables(licences, "clarify") {
            let name = crate_name(entry).context("a clarification names no crate")?;
            let expression = entry.get("expression").and_then(toml::Value::as_str);
            policy.clarified.insert(name, expression.context("a clarification has no expression")?.to_owned());
        }
        Ok(policy)
    }

    /// One line for each package whose licence is not allowed.
    #[must_use]
    pub fn refused(&self, packages: &[Package]) -> Vec<String> {
        packages
            .iter()
            .filter_map(|package| {
                let stated = self.clarified.get(&package.name).or(package.licence.as_ref());
                let Some(expression) = stated else {
                    return Some(format!("{} {}: it states no licence", package.name, package.version));
                };
                let extra = self.exceptions.get(&package.name);
                let allowed = |id: &str| self.allow.contains(id) || extra.is_some_and(|e| e.contains(id));
                (!satisfied(expression, &allowed))
                    .then(|| format!("{} {}: {expression}", package.name, package.version))
            })
            .collect()
    }
}

fn strings(value: &toml::Value) -> BTreeSet<String> {
    let entries = value.as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

fn tables<'a>(parent: &'a toml::Table, key: &str) -> Vec<&'a toml::Table> {
    let entries = parent.get(key).and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(toml::Value::as_table).collect()
}

/// `crate = "name@version"` or `name = "name"`.
fn crate_name(entry: &toml::Table) -> Option<String> {
    let name = entry.get("crate").or_else(|| entry.get("name"))?.as_str()?;
    Some(name.split('@').next().unwrap_or(name).to_owned())
}

/// Whether an SPDX expression can be fulfilled with allowed licences only. `A/B` is the old way to write `A OR B`; a licence
/// `WITH` an exception is allowed where the whole term is listed, or the licence without it.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let verdict = alternatives(&tokens, &mut at, allowed);
    verdict && at == tokens.len()
}

fn alternatives(tokens: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut verdict = conjunction(tokens, at, allowed);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        // Both sides are read, whatever the first one says: the position has to move on.
        let other = conjunction(tokens, at, allowed);
        verdict |= other;
    }
    verdict
}

fn conjunction(tokens: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut verdict = term(tokens, at, allowed);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        let other = term(tokens, at, allowed);
        verdict &= other;
    }
    verdict
}

fn term(tokens: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let Some(token) = tokens.get(*at) else { return false };
    *at += 1;
    if *token == "(" {
        let verdict = alternatives(tokens, at, allowed);
        let closed = tokens.get(*at) == Some(&")");
        *at += usize::from(closed);
        return verdict && closed;
    }
    if tokens.get(*at) == Some(&"WITH") {
        let exception = tokens.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return allowed(&format!("{token} WITH {exception}")) || allowed(token);
    }
    allowed(token)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        [licenses]
        allow = ["MIT", "Apache-2.0"]
        exceptions = [{ crate = "ring", allow = ["ISC"] }]
        [[licenses.clarify]]
        crate = "old"
        expression = "MIT"
    "#;

    fn refused(name: &str, licence: Option<&str>) -> usize {
        let package = Package { name: name.into(), version: "1.0.0".into(), licence: licence.map(str::to_owned) };
        Policy::parse(POLICY).unwrap().refused(&[package]).len()
    }

    #[test]
    fn an_expression_is_allowed_where_some_choice_is_allowed() {
        for licence in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "(GPL-3.0 OR MIT) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(refused("some", Some(licence)), 0, "{licence}");
        }
        for licence in ["GPL-3.0", "MIT AND GPL-3.0", "GPL-3.0 OR (MIT AND ISC)", "", "MIT)", "(MIT"] {
            assert_eq!(refused("some", Some(licence)), 1, "{licence}");
        }
    }

    #[test]
    fn exceptions_hold_for_their_crate_only() {
        assert_eq!(refused("ring", Some("ISC")), 0);
        assert_eq!(refused("other", Some("ISC")), 1);
    }

    #[test]
    fn a_crate_without_a_licence_is_refused_unless_clarified() {
        assert_eq!(refused("some", None), 1);
        assert_eq!(refused("old", None), 0);
    }

    #[test]
    fn our_own_packages_are_not_judged() {
        let metadata = r#"{"packages": [{"name": "ours", "version": "0.1.0", "license": null, "source": null}]}"#;
        assert!(packages(metadata).unwrap().is_empty());
    }
}
