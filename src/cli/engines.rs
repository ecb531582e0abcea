//! The engines by themselves: reading a file, and what is asked of it.

use std::path::PathBuf;

use clap::Args;

/// How a CSV file is read.
#[derive(Clone, Debug, Args)]
pub struct Reading {
    /// The CSV file.
    pub file: PathBuf,
    /// The column to forecast; inferred where there is only one candidate.
    #[arg(long, value_name = "COL")]
    pub target: Option<String>,
    /// The time column.
    #[arg(long, value_name = "COL")]
    pub time: Option<String>,
    /// The item column of a file with many series.
    #[arg(long, value_name = "COL")]
    pub item: Option<String>,
    /// Columns whose future is known; their rows may run past the last target value.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub known: Vec<String>,
    /// How times are written, such as `%d/%m/%Y`.
    #[arg(long, value_name = "FORMAT")]
    pub time_format: Option<String>,
    /// The distance between observations, such as 15min, hourly, 1D, B, W, M, Q or Y.
    #[arg(long, visible_alias = "freq", value_name = "FREQUENCY")]
    pub frequency: Option<String>,
    /// The text encoding, such as utf-8 or latin1.
    #[arg(long, value_name = "ENCODING")]
    pub encoding: Option<String>,
    /// The column delimiter.
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<char>,
    /// The largest file, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub max_bytes: u64,
}

/// An engine by itself.
#[derive(Debug, Args)]
pub struct Engine {
    /// The file.
    #[command(flatten)]
    pub reading: Reading,
}

/// `atsre causal`.
#[derive(Debug, Args)]
pub struct Causal {
    /// The file.
    #[command(flatten)]
    pub reading: Reading,
    /// The algorithm; chosen from the data where it is `auto`. A file without a time column is rows to pc, fci, ges, direct-lingam and
    /// ica-lingam, and moments in time to the others.
    #[arg(long, default_value = "auto", value_parser = [
        "auto", "pc", "fci", "ges", "direct-lingam", "ica-lingam", "var-lingam", "pcmci", "pcmci-plus", "lpcmci", "granger",
    ])]
    pub algorithm: String,
    /// The significance level of the independence tests.
    #[arg(long, default_value_t = 0.01)]
    pub alpha: f64,
    /// The test of independence; chosen from the data where it is not given.
    #[arg(long, value_parser = ["fisher-z", "missing-fisher-z", "chi-square", "g-square", "robust", "kernel"])]
    pub test: Option<String>,
    /// The largest lag, in steps.
    #[arg(long)]
    pub max_lag: Option<u32>,
    /// `default` follows the published algorithms and keeps background knowledge whatever the data; `compatible` answers as
    /// causal-learn, lingam, tigramite and statsmodels do.
    #[arg(long, default_value = "default", value_parser = ["default", "compatible"])]
    pub mode: String,
    /// Background knowledge: a JSON file with tiers, forbidden and required edges.
    #[arg(long, value_name = "FILE")]
    pub knowledge: Option<PathBuf>,
    /// Bootstrap resamples behind each edge's confidence.
    #[arg(long, default_value_t = 20)]
    pub bootstrap: u32,
    /// The seed of the bootstrap.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// The graph as Graphviz DOT.
    #[arg(long, conflicts_with = "svg")]
    pub dot: bool,
    /// The graph as a picture.
    #[arg(long)]
    pub svg: bool,
}

/// `atsre forecast`.
#[derive(Debug, Args)]
pub struct Forecast {
    /// The file.
    #[command(flatten)]
    pub reading: Reading,
    /// The model, or several, as `atsre models` names them.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "auto")]
    pub model: Vec<String>,
    /// The seasonal periods in observations, the main one first; found in the data where absent.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub season: Vec<u32>,
    /// Windows of the rolling-origin backtest; 0 for none; as many as the data bear, at most five, where absent.
    #[arg(long, value_name = "WINDOWS")]
    pub backtest: Option<u32>,
    /// Steps to forecast; from the frequency where absent.
    #[arg(long, value_name = "N")]
    pub horizon: Option<u32>,
    /// The quantile levels.
    #[arg(long, value_delimiter = ',', default_values_t = [0.1, 0.5, 0.9])]
    pub quantiles: Vec<f64>,
    /// Series whose names are paths, such as `north/shop 1` with the separator `/`: their sums are forecast too, and all
    /// forecasts made to add up.
    #[arg(long, value_name = "SEPARATOR")]
    pub hierarchy: Option<char>,
    /// How the forecasts of a hierarchy are made to add up: with the least variance, by the errors of the backtest
    /// (MinT-shrink), or from the bottom.
    #[arg(long, default_value = "mint-shrink", value_parser = ["mint-shrink", "bottom-up"], requires = "hierarchy")]
    pub reconcile: String,
    /// A setting of the model, as NAME=VALUE; of one among several, as MODEL.NAME=VALUE.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,
    /// The folder of a pretrained model's weights; without it, the hub's cache on this machine is looked into.
    #[arg(long, value_name = "FOLDER")]
    pub weights: Option<PathBuf>,
    /// The seed.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Where deep models compute; auto takes a GPU that has room for the model, else the processor, and says why.
    #[arg(long, default_value = "auto", value_parser = ["auto", "cpu", "gpu"])]
    pub device: String,
    /// CSV on standard output.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// The first series by the first model as a picture.
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub svg: bool,
}
