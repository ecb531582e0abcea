//! Sections of a page that a program writes.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The line before a section that is written by a program.
#[must_use]
pub fn begin(name: &str) -> String {
    format!("<!-- {name}: written by a program, do not edit -->")
}

/// The line after it.
#[must_use]
pub fn end(name: &str) -> String {
    format!("<!-- {name}: end -->")
}

/// The section of that name, without its marks; none where the page has no such section.
#[must_use]
pub fn section<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&begin(name))?;
    let (inside, _) = rest.split_once(&end(name))?;
    Some(inside.trim_matches('\n'))
}

/// The page with another text in the section of that name.
///
/// # Errors
/// The page has no such section.
pub fn with_section(page: &str, name: &str, text: &str) -> Result<String> {
    let (first, last) = (begin(name), end(name));
    let (before, rest) = page.split_once(&first).with_context(|| format!("there is no line `{first}`"))?;
    let (_, after) = rest.split_once(&last).with_context(|| format!("there is no line `{last}`"))?;
    Ok(format!("{before}{first}\n\n{}\n\n{last}{after}", text.trim()))
}

/// Writes a section of a page on disk.
///
/// # Errors
/// The page cannot be read or written, or has no such section.
pub fn write_section(file: &Path, name: &str, text: &str) -> Result<()> {
    let page = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let page = with_section(&page, name, text).with_context(|| file.display().to_string())?;
    ensure!(section(&page, name).is_some(), "the section `{name}` cannot be read back");
    std::fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_rest_of_the_page_stays() {
        let page = format!("# Page\n\n{}\nold\n{}\n\nafter\n", begin("table"), end("table"));
        let written = with_section(&page, "table", "new\n").unwrap();
        assert_eq!(section(&written, "table"), Some("new"));
        assert!(written.starts_with("# Page\n") && written.ends_with("\n\nafter\n"), "{written}");
        assert_eq!(with_section(&written, "table", "new").unwrap(), written);
    }

    #[test]
    fn a_page_without_the_section_is_an_error_that_names_it() {
        let error = with_section("# Page\n", "table", "new").unwrap_err();
        assert!(error.to_string().contains("table"), "{error}");
    }
}
