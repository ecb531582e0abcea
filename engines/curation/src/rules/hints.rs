//! What a column's name says about its values.

use atsre_domain::panel::Panel;

use super::ColumnIndex;

/// What is known of a column beyond the data.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainHint {
    /// The column.
    pub column: String,
    /// Smallest possible value.
    pub minimum: Option<f64>,
    /// Largest possible value.
    pub maximum: Option<f64>,
    /// Why, in words.
    pub reason: String,
}

/// What a word in a name means: the words, the bounds, what it is.
type Meaning = (&'static [&'static str], Option<f64>, Option<f64>, &'static str);

/// The first meaning that matches is taken.
const MEANINGS: &[Meaning] = &[
    (
        &[
            "percent",
            "percentage",
            "pct",
            "humidity",
            "hum",
            "rh",
            "cpu",
            "utilisation",
            "utilization",
            "soc",
            "cloudcover",
        ],
        Some(0.0),
        Some(100.0),
        "a percentage",
    ),
    (&["probability", "prob", "fraction"], Some(0.0), Some(1.0), "a share"),
    (&["hour"], Some(0.0), Some(24.0), "an hour of the day"),
    (&["month"], Some(1.0), Some(12.0), "a month of the year"),
    (&["weekday", "dayofweek"], Some(0.0), Some(7.0), "a day of the week"),
    (&["direction", "bearing", "azimuth"], Some(0.0), Some(360.0), "an angle in degrees"),
    (&["latitude", "lat"], Some(-90.0), Some(90.0), "a latitude"),
    (&["longitude", "lon", "lng"], Some(-180.0), Some(180.0), "a longitude"),
    (&["ph"], Some(0.0), Some(14.0), "an acidity"),
    (&["kelvin"], Some(0.0), None, "an absolute temperature"),
    (
        &[
            "count",
            "counts",
            "cnt",
            "users",
            "visitors",
            "passengers",
            "units",
            "orders",
            "clicks",
            "calls",
            "patients",
            "quantity",
            "qty",
            "trips",
            "rentals",
            "requests",
            "views",
            "visits",
            "packets",
            "bytes",
            "deaths",
            "cases",
            "births",
            "customers",
            "population",
            "tweets",
            "items",
        ],
        Some(0.0),
        None,
        "a count",
    ),
    (
        &[
            "speed",
            "windspeed",
            "precipitation",
            "rain",
            "rainfall",
            "snow",
            "snowfall",
            "distance",
            "duration",
            "latency",
            "age",
            "weight",
            "irradiance",
            "radiation",
            "concentration",
            "ppm",
            "occupancy",
            "sales",
        ],
        Some(0.0),
        None,
        "a quantity that cannot be negative",
    ),
];

/// Hints from the names of the numeric columns. A percentage whose values nearly all lie between 0 and 1 is
/// taken as a share of 1.
#[must_use]
pub fn hints_from_names(panel: &Panel) -> Vec<DomainHint> {
    ColumnIndex::all(panel)
        .filter(|column| ColumnIndex::numeric(panel, column.name(panel)) == Some(*column))
        .filter_map(|column| {
            let name = column.name(panel);
            let words = words(name);
            let (word, meaning) = MEANINGS
                .iter()
                .find_map(|m| words.iter().find(|w| m.0.contains(&w.as_str())).map(|w| (w.clone(), m)))?;
            let (_, minimum, mut maximum, what) = *meaning;
            if maximum == Some(100.0) && is_share(panel, column) {
                maximum = Some(1.0);
            }
            let bounds = match (minimum, maximum) {
                (Some(low), Some(high)) => format!("{low} to {high}"),
                (Some(low), None) => format!("at least {low}"),
                (None, Some(high)) => format!("at most {high}"),
                (None, None) => return None,
            };
            let reason = format!("{word:?} in the name {name:?} says {what}: {bounds}");
            Some(DomainHint { column: name.to_owned(), minimum, maximum, reason })
        })
        .collect()
}

/// Whether at least 99 % of the values lie between 0 and 1.
fn is_share(panel: &Panel, column: ColumnIndex) -> bool {
    let (mut inside, mut all) = (0_u64, 0_u64);
    for value in panel.series.iter().flat_map(|s| column.values(s)).filter(|v| !v.is_nan()) {
        all += 1;
        inside += u64::from((0.0..=1.0).contains(value));
    }
    all > 0 && inside * 100 >= all * 99
}

/// The words of a name in lower case: `CPUUsage_pct` is `cpu`, `usage`, `pct`.
fn words(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (index, character) in characters.iter().enumerate() {
        let starts_word = character.is_uppercase() && index > 0 && {
            let lower_before = characters[index - 1].is_lowercase();
            let lower_after = characters.get(index + 1).is_some_and(|c| c.is_lowercase());
            lower_before || (characters[index - 1].is_uppercase() && lower_after)
        };
        if (starts_word || !character.is_alphabetic()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if *character == '%' {
            words.push(String::from("percent"));
        } else if character.is_alphabetic() {
            word.extend(character.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(missing_docs)]
    use super::words;

    #[test]
    fn names_fall_apart_into_words() {
        assert_eq!(words("CPUUsage_pct"), ["cpu", "usage", "pct"]);
        assert_eq!(words("relativeHumidity2m"), ["relative", "humidity", "m"]);
        assert_eq!(words("load (%)"), ["load", "percent"]);
    }
}
