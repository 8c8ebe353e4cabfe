//! Names that are near to one that nobody has: what a typing mistake may have meant.

/// The names that are near, the nearest first. At most five.
pub fn near<'a>(name: &str, all: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let folded = name.to_lowercase();
    let mut near: Vec<(usize, &str)> = all
        .into_iter()
        .map(|it| (distance(&folded, &it.to_lowercase()), it))
        .filter(|(far, it)| *far <= 2.max(folded.chars().count() / 3) || it.to_lowercase().contains(&folded))
        .collect();
    near.sort_unstable();
    near.into_iter().take(5).map(|(_, it)| it.to_owned()).collect()
}

/// How many letters must be put in, taken out or changed to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
