#![allow(clippy::unwrap_used)]
use super::*;

/// The sums of rows whose first `shared` columns are shared and whose last value is the response.
fn sums(rows: &[Vec<f64>], shared: usize) -> (Shared, StepProducts) {
    let dot = |f: &dyn Fn(&[f64]) -> f64| rows.iter().map(|r| f(r)).sum::<f64>();
    let columns = rows[0].len() - 1 - shared;
    let cell = |row: &[f64], k: usize| match k {
        k if k < shared + columns => row[k],
        k if k == shared + columns => 1.0,
        _ => row[shared + columns],
    };
    let product = |i: usize, j: usize| dot(&|r: &[f64]| cell(r, i) * cell(r, j));
    let width = columns + 2;
    let gram: Vec<f64> = (0..shared * shared).map(|k| product(k / shared, k % shared)).collect();
    let totals: Vec<f64> = (0..shared).map(|i| product(i, shared + columns)).collect();
    let mixed = (0..shared * width).map(|k| product(k / width, shared + k % width)).collect();
    let own = (0..width * width).map(|k| product(shared + k / width, shared + k % width)).collect();
    (Shared::new(rows.len(), &totals, &gram), StepProducts { columns, mixed, own })
}

#[test]
fn one_column_shrinks_by_one_over_one_plus_penalty() {
    // y = 3 + 2x, the other column constant: without a penalty exactly that, with penalty 1 half the slope, whether
    // the columns are the step's own or shared.
    let rows: Vec<_> = (0..10).map(|i| vec![f64::from(i), 7.0, 3.0 + 2.0 * f64::from(i)]).collect();
    for shared in 0..=2 {
        let (shared, products) = sums(&rows, shared);
        let problem = Problem::new(&shared, &products);
        let plain = problem.solve(&shared.factor(0.0).unwrap()).unwrap();
        assert!((plain.coefficients[0] - 2.0).abs() < 1e-10 && plain.coefficients[1] == 0.0);
        assert!((plain.intercept - 3.0).abs() < 1e-9);
        let half = problem.solve(&shared.factor(1.0).unwrap()).unwrap();
        assert!((half.coefficients[0] - 1.0).abs() < 1e-10);
        assert!((half.freedom - 0.5).abs() < 1e-10);
        assert!((half.intercept - (12.0 - 4.5)).abs() < 1e-9);
    }
}

#[test]
fn the_solution_does_not_depend_on_which_columns_are_shared() {
    // Given five columns that are correlated, and a response of all of them
    let rows: Vec<Vec<f64>> = (0..60)
        .map(|t| {
            let t = f64::from(t);
            let x = [(t * 0.7).sin(), (t * 0.7 + 0.3).sin(), t / 60.0, (t * 1.9).cos(), (t * 0.31).sin() + t / 30.0];
            let y = x[0] - 2.0 * x[1] + 0.5 * x[2] + 3.0 * x[3] - x[4] + 0.1 * (t * 12.9).sin();
            x.into_iter().chain([y]).collect()
        })
        .collect();
    for penalty in [1e-4, 0.1, 10.0] {
        // When one elimination has all columns and others have a block and its Schur complement
        let solutions = [5, 0, 3, 1].map(|shared| {
            let (shared, products) = sums(&rows, shared);
            let problem = Problem::new(&shared, &products);
            let factor = shared.factor(penalty).unwrap();
            (problem.solve(&factor).unwrap(), problem.cross_validation(&factor).unwrap())
        });
        // Then they agree in weights, degrees of freedom and score
        for (solution, score) in &solutions[1..] {
            let (first, expected) = &solutions[0];
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
            assert!(solution.coefficients.iter().zip(&first.coefficients).all(|(a, b)| close(*a, *b)));
            assert!(close(solution.freedom, first.freedom) && close(solution.intercept, first.intercept));
            assert!((score - expected).abs() <= 1e-7 * expected, "{score} {expected}");
        }
    }
}

#[test]
fn cross_validation_prefers_little_penalty_for_a_clear_signal_and_much_for_noise() {
    let best = |rows: &[Vec<f64>]| {
        let (shared, products) = sums(rows, 1);
        let factors: Vec<Factor> = PENALTIES.iter().filter_map(|p| shared.factor(*p)).collect();
        PENALTIES[Problem::new(&shared, &products).best(&factors)]
    };
    let signal: Vec<_> = (0..40).map(|i| vec![f64::from(i % 7), f64::from(i % 3), f64::from(i % 7)]).collect();
    assert!(best(&signal) <= 1e-4);
    let alternating: Vec<_> =
        (0..40).map(|i| vec![f64::from(i % 2), f64::from((i / 2) % 2), f64::from((i / 4) % 2)]).collect();
    assert!(best(&alternating) >= 10.0);
}
