//! The names that a misspelt one was perhaps meant to be.

/// The column names nearest to `name`, best first, at most three: those that differ only in case, then
/// those within a third of their length in Levenshtein's distance.
pub(super) fn nearest(name: &str, columns: &[String]) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut near: Vec<(usize, &String)> = columns
        .iter()
        .map(|c| (edit_distance(&wanted, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance * 3 <= c.chars().count().max(wanted.chars().count()))
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().take(3).map(|(_, c)| c.clone()).collect()
}

/// Levenshtein (1966): the least number of insertions, deletions and substitutions. Names are cut at 100
/// characters, which bounds the work on hostile headers.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(100).collect();
    let b: Vec<char> = b.chars().take(100).collect();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut current = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let substituted = previous[j] + usize::from(x != y);
            current.push(substituted.min(previous[j + 1] + 1).min(current[j] + 1));
        }
        previous = current;
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_column_finds_its_neighbours() {
        let columns = ["users".to_owned(), "temp".to_owned(), "atemp".to_owned(), "windspeed".to_owned()];
        assert_eq!(nearest("user", &columns), ["users"]);
        assert_eq!(nearest("Temp", &columns), ["temp", "atemp"]);
        assert!(nearest("quite different", &columns).is_empty());
    }
}
