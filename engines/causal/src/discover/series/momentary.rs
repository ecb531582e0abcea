//! Algorithms that test momentary conditional independence: PCMCI, PCMCI+ and LPCMCI.

use super::Ready;
use crate::discover::learner::{Evidence, Learned, Learner};
use crate::discover::progress::{Progress, Stopped, Watch, Watched};
use crate::discover::{Algorithm, DiscoverError, DiscoverOptions, TestChoice};
use crate::knowledge::{Knowledge, Window};
use crate::lpcmci::{self, lpcmci_with};
use crate::pattern::Pattern;
use crate::pcmci::{
    LaggedLinks, LaggedTest, Link, ParCorr, PcmciError, PlusSettings, Settings, pcmci_plus_with, pcmci_with,
};

/// The level of the condition selection that the reference takes.
const SELECTION_ALPHA: f64 = 0.2;
/// The most nodes in a conditioning set of LPCMCI, known causes not counted, once all sets have turned out to be too many.
const CONDITIONS_MAX: usize = 3;

/// Whether tests look back twice the longest lag, because they condition on the parents of both ends.
pub(super) const fn looks_deep(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Pcmci | Algorithm::PcmciPlus | Algorithm::Lpcmci)
}

pub(in crate::discover) struct Momentary<'a> {
    pub(in crate::discover) algorithm: Algorithm,
    pub(in crate::discover) ready: &'a Ready,
    pub(in crate::discover) knowledge: &'a Knowledge,
    pub(in crate::discover) options: &'a DiscoverOptions,
}

impl Learner for Momentary<'_> {
    fn units(&self) -> usize {
        self.ready.deep().blocks()
    }

    fn learn(&self, times: Option<&[u32]>, progress: &dyn Progress) -> Result<Learned, DiscoverError> {
        let columns = self.ready.frame.names.len();
        let test = ParCorr::of_moments(columns, 2 * self.ready.max_lag, self.ready.deep(), times);
        let most = TestChoice::FisherZ.affordable(self.ready.deep().rows());
        for limit in [self.options.max_depth, Some(CONDITIONS_MAX)] {
            let watch = Watch::new(progress, times.is_none(), most);
            let learned = self.run(&Watched { test: &test, watch: &watch }, limit)?;
            match watch.outcome() {
                None if limit == self.options.max_depth => return Ok(learned),
                None => {
                    let limited = format!(
                        "conditioning sets hold at most {CONDITIONS_MAX} variables: without that limit more than {most:.0} tests would be asked"
                    );
                    return Ok(Learned { notes: vec![limited], ..learned });
                }
                Some(Stopped::Cancelled) => return Err(DiscoverError::Cancelled),
                Some(Stopped::Exhausted) => {}
            }
            if self.algorithm != Algorithm::Lpcmci {
                break;
            }
        }
        let advice = "lower the level or the longest lag, or leave columns out";
        Err(DiscoverError::TooMuchWork { tests: most as u64, advice })
    }
}

impl Momentary<'_> {
    fn run<T: LaggedTest>(&self, test: &T, max_conditions: Option<usize>) -> Result<Learned, PcmciError> {
        let (max_lag, alpha) = (self.ready.max_lag, self.options.alpha);
        match self.algorithm {
            Algorithm::Pcmci => {
                let selection_alpha = self.options.compatible().then_some(SELECTION_ALPHA);
                let settings = Settings { min_lag: 0, max_lag, alpha, selection_alpha, false_discovery: false };
                Ok(of_links(&pcmci_with(test, &settings, self.knowledge)?.links))
            }
            Algorithm::Lpcmci => {
                let max_conditions = max_conditions.unwrap_or(usize::MAX);
                let settings = lpcmci::Settings { max_lag, alpha, max_conditions, ..lpcmci::Settings::default() };
                let found = lpcmci_with(test, &settings, self.knowledge)?;
                let mut learned = Learned { tests: found.tests, ..Learned::empty(0) };
                for ((i, j), measured) in found.nearest {
                    let evidence = Evidence { statistic: measured.value, p_value: measured.p_value };
                    learned.evidence.insert((i.min(j), i.max(j)), evidence);
                }
                learned.pattern = found.pattern;
                Ok(learned)
            }
            Algorithm::Pc
            | Algorithm::Fci
            | Algorithm::Ges
            | Algorithm::DirectLingam
            | Algorithm::IcaLingam
            | Algorithm::VarLingam
            | Algorithm::PcmciPlus
            | Algorithm::Granger => {
                let settings = PlusSettings { max_lag, alpha: Some(alpha), ..PlusSettings::default() };
                Ok(of_links(&pcmci_plus_with(test, &settings, self.knowledge)?.links))
            }
        }
    }
}

/// Links as marks: an open link has a tail at both ends, a contradictory one an arrow; the statistic is the strength.
fn of_links(links: &LaggedLinks) -> Learned {
    use atsre_domain::graph::Mark;
    let (columns, max_lag) = (links.columns(), links.max_lag());
    let window = Window::lagged(columns, max_lag);
    let mut learned = Learned { pattern: Pattern::empty(window.nodes()), ..Learned::empty(0) };
    for target in 0..columns {
        for source in 0..columns {
            for lag in 0..=max_lag {
                let node = window.node(source, lag);
                match links.get(source, target, lag) {
                    Link::Absent | Link::Backward => continue,
                    Link::Forward => learned.pattern.orient(node, target),
                    Link::Open => learned.pattern.join(node, Mark::Tail, target, Mark::Tail),
                    Link::Conflict => learned.pattern.join(node, Mark::Arrow, target, Mark::Arrow),
                }
                let at = links.index(source, target, lag);
                let evidence = Evidence { statistic: links.values[at], p_value: links.p_values[at] };
                learned.evidence.entry((node.min(target), node.max(target))).or_insert(evidence);
            }
        }
    }
    learned
}
