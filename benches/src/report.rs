//! What was measured, and how it is told.

use serde_json::json;

/// What a figure is held to.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// The ratio of ours to the baseline is at least this.
    RatioAtLeast(f64),
    /// The ratio of ours to the baseline is at most this.
    RatioAtMost(f64),
    /// Ours alone is below this.
    Below(f64),
    /// Ours alone is at least this.
    AtLeast(f64),
}

/// One row of the table.
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: &'static str,
    /// What the numbers count.
    pub(crate) unit: &'static str,
    /// What each round gave.
    pub(crate) ours: Vec<f64>,
    /// What the baseline gave in each round; empty where there is none.
    pub(crate) baseline: Vec<f64>,
    /// What it is held to.
    pub(crate) goal: Goal,
}

impl Figure {
    fn ratio(&self) -> f64 {
        median(&self.ours) / median(&self.baseline)
    }

    fn is_met(&self) -> bool {
        match self.goal {
            Goal::RatioAtLeast(least) => least <= self.ratio(),
            Goal::RatioAtMost(most) => self.ratio() <= most,
            Goal::Below(bound) => median(&self.ours) < bound,
            Goal::AtLeast(least) => least <= median(&self.ours),
        }
    }

    fn goal_text(&self) -> String {
        match self.goal {
            Goal::RatioAtLeast(least) => format!("≥ {least}"),
            Goal::RatioAtMost(most) => format!("≤ {most}"),
            Goal::Below(bound) => format!("< {bound} {}", self.unit),
            Goal::AtLeast(least) => format!("≥ {least} {}", self.unit),
        }
    }
}

/// Prints one line for each figure.
pub(crate) fn print_table(figures: &[Figure]) {
    let row = |cells: [&str; 6]| {
        let [name, ours, baseline, ratio, goal, met] = cells;
        println!("{name:<44} {ours:>18} {baseline:>18} {ratio:>7} {goal:>10} {met}");
    };
    row(["measurement", "ours", "baseline", "ratio", "goal", ""]);
    for figure in figures {
        let shown = |rounds: &[f64]| format!("{:.4} {}", median(rounds), figure.unit);
        let (baseline, ratio) = match figure.baseline.as_slice() {
            [] => (String::new(), String::new()),
            rounds => (shown(rounds), format!("{:.2}", figure.ratio())),
        };
        let met = if figure.is_met() { "met" } else { "MISSED" };
        row([figure.name, &shown(&figure.ours), &baseline, &ratio, &figure.goal_text(), met]);
    }
}

/// All figures with all their rounds.
pub(crate) fn to_json(figures: &[Figure]) -> String {
    let all: Vec<_> = figures
        .iter()
        .map(|figure| {
            json!({
                "measurement": figure.name,
                "unit": figure.unit,
                "ours": median(&figure.ours),
                "ours_rounds": figure.ours,
                "baseline": figure.baseline.first().map(|_| median(&figure.baseline)),
                "baseline_rounds": figure.baseline,
                "ratio": figure.baseline.first().map(|_| figure.ratio()),
                "goal": figure.goal_text(),
                "met": figure.is_met(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "load": load(), "figures": all }))
}

/// The kernel's averages of the run queue, which tell how quiet the machine was.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// The value that so many of a hundred do not exceed.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * percent).div_ceil(100)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<f64> = (1..=101).rev().map(f64::from).collect();
        assert!((median(&values) - 51.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 99) - 100.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_goal_is_met_from_its_own_side() {
        let figure = |goal| Figure {
            name: "x",
            unit: "/s",
            ours: vec![50.0, 1.0, 99.0],
            baseline: vec![100.0],
            goal,
        };
        assert!(figure(Goal::RatioAtLeast(0.5)).is_met());
        assert!(!figure(Goal::RatioAtLeast(0.51)).is_met());
        assert!(figure(Goal::RatioAtMost(0.5)).is_met());
        assert!(!figure(Goal::RatioAtMost(0.49)).is_met());
        assert!(!figure(Goal::Below(50.0)).is_met());
    }
}
