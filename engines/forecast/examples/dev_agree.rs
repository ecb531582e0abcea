#![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut fs: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    fs.sort();
    for f in fs {
        let g: atsre_forecast::agreement::Group = serde_json::from_str(&std::fs::read_to_string(f).unwrap()).unwrap();
        for l in atsre_forecast::agreement::judge(&g).unwrap() {
            println!("{l}")
        }
    }
}
