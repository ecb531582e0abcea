//! The committed cases of non-Gaussian and lagged data, each by name, against the engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::path::Path;

use xtask::cases::causal::judge;

/// The cases, so that one that got lost is missed.
const CASES: [&str; 25] = [
    "direct_lingam_pk_x10_dev",
    "direct_lingam_pksoft_x10_dev",
    "direct_lingam_u05_dev",
    "direct_lingam_x10_dev",
    "granger_v05_dev",
    "granger_vg5_dev",
    "ica_lingam_u05_dev",
    "ica_lingam_x10_dev",
    "pcmci_autoalpha_v05_tau3_dev",
    "pcmci_fdr_v10s_tau3_dev",
    "pcmci_v05_tau2_dev",
    "pcmci_v05_tau5_dev",
    "pcmci_v10s_tau5_dev",
    "pcmci_vg5_tau3_dev",
    "pcmciplus_autoalpha_vg5_tau2_dev",
    "pcmciplus_conservative_vg5_tau2_dev",
    "pcmciplus_none_vg5_tau2_dev",
    "pcmciplus_v05_tau2_dev",
    "pcmciplus_v05_tau5_dev",
    "pcmciplus_v10s_tau5_dev",
    "pcmciplus_vg5_tau3_dev",
    "var_lingam_fixedlag_v05_dev",
    "var_lingam_noprune_v05_dev",
    "var_lingam_v05_dev",
    "var_lingam_vg5_dev",
];

#[test]
fn every_case_agrees() {
    // given
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engines/causal/tests");
    // when
    let judged = judge(&folder).unwrap();
    // then
    for name in CASES {
        let found = judged.iter().find(|j| j.verdict.case == name);
        let verdict = &found.unwrap_or_else(|| panic!("{name} was not judged")).verdict;
        assert!(verdict.agrees() && verdict.compared > 0, "{name}: {:?}", verdict.differences.first());
    }
}
