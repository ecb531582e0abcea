//! Anchors against the log.

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::Position;
use atsre_store::hash::{self, Hash};
use atsre_store::{Error, Store};
use ed25519_dalek::VerifyingKey;

use super::{Difference, Options};
use crate::anchor::{Anchor, log_hash_at, public_key_text};

/// The anchors to check, and what the log has at their positions.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    anchors: Vec<Anchor>,
    trusted: Vec<VerifyingKey>,
    /// The running hash at each position that an anchor names, once that is reached.
    found: BTreeMap<Position, Option<Hash>>,
    compared: bool,
}

impl Anchors {
    pub(super) fn new(options: &Options<'_>) -> Self {
        let found = options.anchors.iter().map(|anchor| (anchor.position, None)).collect();
        Self { anchors: options.anchors.to_vec(), trusted: options.trusted.to_vec(), found, compared: false }
    }

    /// How many were checked.
    pub(super) fn checked(&self) -> u64 {
        if self.compared { self.anchors.len() as u64 } else { 0 }
    }

    /// What the log has at a position that is being read.
    pub(super) fn pass(&mut self, position: Position, log_hash: &Hash) {
        if let Some(found) = self.found.get_mut(&position) {
            *found = Some(*log_hash);
        }
    }

    /// Looks at the positions that lie before what will be read.
    pub(super) async fn look_up(&mut self, store: &Store, read_after: Position) -> Result<(), Error> {
        for (position, found) in self.found.range_mut(..=read_after) {
            *found = log_hash_at(store, *position).await?;
        }
        Ok(())
    }

    /// Holds every anchor against what the log has. Differences, and notes on what the signatures do not say.
    pub(super) fn compare(&mut self) -> (Vec<Difference>, Vec<String>) {
        self.compared = true;
        let mut differences = Vec::new();
        let (mut unsigned, mut keys) = (0_u64, BTreeSet::new());
        for anchor in &self.anchors {
            match &anchor.signed {
                None => unsigned += 1,
                Some(signed) => drop(keys.insert(public_key_text(&signed.public_key))),
            }
            if let Some(detail) = self.problem(anchor) {
                differences.push(Difference::of_log(anchor.position, "anchor", detail));
            }
        }
        let mut notes = Vec::new();
        if unsigned > 0 {
            notes.push(format!(
                "{unsigned} of {} anchors are not signed: anybody can have made them",
                self.anchors.len()
            ));
        }
        if self.trusted.is_empty() && !keys.is_empty() {
            let keys = Vec::from_iter(keys).join(", ");
            notes.push(format!(
                "no trusted key was given: whether the anchors are yours, their public keys tell: {keys}"
            ));
        }
        (differences, notes)
    }

    fn problem(&self, anchor: &Anchor) -> Option<String> {
        if let Some(problem) = signature_problem(anchor, &self.trusted) {
            return Some(problem);
        }
        let said = hash::hex(&anchor.log_hash);
        match self.found.get(&anchor.position).copied().flatten() {
            Some(found) if found == anchor.log_hash => None,
            Some(found) => Some(format!("the anchor says {said}, the log says {}", hash::hex(&found))),
            None => Some("the anchor names a position that the log does not have: its tail was cut".to_owned()),
        }
    }
}

/// What is wrong with an anchor's signature, where it has one.
pub(super) fn signature_problem(anchor: &Anchor, trusted: &[VerifyingKey]) -> Option<String> {
    let signed = anchor.signed.as_ref()?;
    if !trusted.is_empty() && !trusted.contains(&signed.public_key) {
        let key = public_key_text(&signed.public_key);
        return Some(format!("the anchor is signed by the key {key}, which is none of those trusted"));
    }
    anchor.verify_signature(&signed.public_key).err().map(|error| error.to_string())
}
