//! The order of a plan: in each directory first what is no directory, then each subdirectory, after its contents.

use std::cmp::Ordering;

/// Compares two paths; each comes with whether it is a directory. Two plans of the same entries in this order can be compared line by line.
pub fn plan_order((a, a_dir): (&[u8], bool), (b, b_dir): (&[u8], bool)) -> Ordering {
    let mut first = a.split(|byte| *byte == b'/').peekable();
    let mut second = b.split(|byte| *byte == b'/').peekable();
    loop {
        let (one, two) = match (first.next(), second.next()) {
            (Some(one), Some(two)) => (one, two),
            (None, None) => return Ordering::Equal,
            // One is a directory above the other.
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
        };
        let key_one = (first.peek().is_some() || a_dir, one);
        let key_two = (second.peek().is_some() || b_dir, two);
        match key_one.cmp(&key_two) {
            Ordering::Equal => {}
            order => return order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contents_come_before_their_directory() {
        let sorted = [
            ("b", false),
            ("z", false),
            ("a/c", false),
            ("a/b/x", false),
            ("a/b", true),
            ("a", true),
            ("a.b", true),
        ];
        for (at, one) in sorted.iter().enumerate() {
            for (after, two) in sorted.iter().enumerate() {
                let order = plan_order((one.0.as_bytes(), one.1), (two.0.as_bytes(), two.1));
                assert_eq!(order, at.cmp(&after), "{one:?} {two:?}");
            }
        }
    }

    fn name() -> impl Strategy<Value = (String, bool)> {
        ("[ab](/[ab.]){0,3}", any::<bool>())
    }

    proptest! {
        /// Also for lists that no file system could have.
        #[test]
        fn it_is_a_total_order(mut names in proptest::collection::vec(name(), 3)) {
            let order = |a: &(String, bool), b: &(String, bool)| {
                plan_order((a.0.as_bytes(), a.1), (b.0.as_bytes(), b.1))
            };
            names.sort_by(order);
            prop_assert_ne!(order(&names[0], &names[1]), Ordering::Greater);
            prop_assert_ne!(order(&names[1], &names[2]), Ordering::Greater);
            prop_assert_ne!(order(&names[0], &names[2]), Ordering::Greater);
            prop_assert_eq!(order(&names[0], &names[2]), order(&names[2], &names[0]).reverse());
        }
    }
}
