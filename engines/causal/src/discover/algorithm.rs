//! The algorithms of discovery.

/// An algorithm of discovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// PC. Over time: on the columns and their lags, with rows that count for less where they are autocorrelated.
    #[default]
    Pc,
    /// FCI: rows, where common causes may be hidden.
    Fci,
    /// GES: rows, a search by score.
    Ges,
    /// DirectLiNGAM: rows of a linear model with non-Gaussian disturbances.
    DirectLingam,
    /// ICA-LiNGAM: the same by an independent component analysis.
    IcaLingam,
    /// VAR-LiNGAM: a vector autoregression, then DirectLiNGAM of what it leaves.
    VarLingam,
    /// PCMCI (Runge et al. 2019): links of the same moment have no direction.
    Pcmci,
    /// PCMCI+ (Runge 2020): links of the same moment are directed where the tests tell.
    PcmciPlus,
    /// LPCMCI (Gerhardus and Runge 2020): over time, where common causes may be hidden.
    Lpcmci,
    /// Granger causality: does a column's past help to predict another?
    Granger,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Pc,
        Self::Fci,
        Self::Ges,
        Self::DirectLingam,
        Self::IcaLingam,
        Self::VarLingam,
        Self::Pcmci,
        Self::PcmciPlus,
        Self::Lpcmci,
        Self::Granger,
    ];

    /// The name on the command line and in settings.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pc => "pc",
            Self::Fci => "fci",
            Self::Ges => "ges",
            Self::DirectLingam => "direct-lingam",
            Self::IcaLingam => "ica-lingam",
            Self::VarLingam => "var-lingam",
            Self::Pcmci => "pcmci",
            Self::PcmciPlus => "pcmci-plus",
            Self::Lpcmci => "lpcmci",
            Self::Granger => "granger",
        }
    }

    /// The name in the literature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pc => "PC",
            Self::Fci => "FCI",
            Self::Ges => "GES",
            Self::DirectLingam => "DirectLiNGAM",
            Self::IcaLingam => "ICA-LiNGAM",
            Self::VarLingam => "VAR-LiNGAM",
            Self::Pcmci => "PCMCI",
            Self::PcmciPlus => "PCMCI+",
            Self::Lpcmci => "LPCMCI",
            Self::Granger => "Granger causality",
        }
    }

    /// The algorithm of this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.key() == key)
    }

    /// Whether it works on rows without time.
    #[must_use]
    pub const fn works_on_rows(self) -> bool {
        matches!(self, Self::Pc | Self::Fci | Self::Ges | Self::DirectLingam | Self::IcaLingam)
    }

    /// Whether it works on series in time.
    #[must_use]
    pub const fn works_on_series(self) -> bool {
        !self.works_on_rows() || matches!(self, Self::Pc)
    }

    /// The algorithm that rests on the same ideas and works on the other kind of data.
    #[must_use]
    pub const fn counterpart(self) -> Self {
        match self {
            Self::Pc | Self::Pcmci | Self::PcmciPlus | Self::Granger => Self::Pc,
            Self::Fci => Self::Lpcmci,
            Self::Lpcmci => Self::Fci,
            Self::Ges => Self::PcmciPlus,
            Self::DirectLingam | Self::IcaLingam => Self::VarLingam,
            Self::VarLingam => Self::DirectLingam,
        }
    }

    /// Whether it asks a test of independence, which can then be chosen.
    #[must_use]
    pub const fn asks_tests(self) -> bool {
        matches!(self, Self::Pc | Self::Fci | Self::Pcmci | Self::PcmciPlus | Self::Lpcmci)
    }

    /// Whether it allows for hidden common causes.
    #[must_use]
    pub const fn allows_hidden_causes(self) -> bool {
        matches!(self, Self::Fci | Self::Lpcmci)
    }
}
