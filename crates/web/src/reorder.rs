//! What the form of a list that can be put in order sends: see `templates/macros/reorder.html`.

use std::collections::HashMap;

/// The order shown when the form was sent, and the button that was pressed to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    order: Vec<String>,
    moved: String,
}

impl Order {
    /// From the fields `order`, the items' values in the order shown, and `move`: `up:VALUE`, `down:VALUE`, or empty when another button
    /// was pressed.
    pub const fn new(order: Vec<String>, moved: String) -> Self {
        Self { order, moved }
    }

    /// Whether "Move up" or "Move down" sent the form, which then stays on its page.
    pub fn moves(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Puts `items` in the order shown and moves the one whose button was pressed. An item that the page did not have goes to the end.
    /// Answers the new position of the moved item, counted from 0.
    pub fn apply<T>(&self, items: &mut [T], value: impl Fn(&T) -> &str) -> Option<usize> {
        let mut places = HashMap::new();
        for (place, shown) in self.order.iter().enumerate() {
            places.entry(shown.as_str()).or_insert(place);
        }
        items.sort_by_key(|item| places.get(value(item)).copied().unwrap_or(self.order.len()));
        let (direction, moved) = self.moved.split_once(':')?;
        let from = items.iter().position(|item| value(item) == moved)?;
        let to = if direction == "up" { from.saturating_sub(1) } else { (from + 1).min(items.len() - 1) };
        items.swap(from, to);
        Some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(order: &[&str], moved: &str) -> (Vec<&'static str>, Option<usize>) {
        let order = Order::new(order.iter().map(|shown| (*shown).to_owned()).collect(), moved.into());
        let mut items = vec!["10-a.sh", "20-b.sh", "30-c.sh"];
        let position = order.apply(&mut items, |item| item);
        (items, position)
    }

    #[test]
    fn items_move_within_their_list() {
        assert_eq!(ordered(&[], "up:30-c.sh"), (vec!["10-a.sh", "30-c.sh", "20-b.sh"], Some(1)));
        assert_eq!(ordered(&[], "down:10-a.sh"), (vec!["20-b.sh", "10-a.sh", "30-c.sh"], Some(1)));
        let unmoved = vec!["10-a.sh", "20-b.sh", "30-c.sh"];
        for (moved, position) in [
            ("up:10-a.sh", Some(0)),
            ("down:30-c.sh", Some(2)),
            ("down:none", None),
            ("", None),
            ("up", None),
        ] {
            assert_eq!(ordered(&[], moved), (unmoved.clone(), position), "{moved}");
        }
    }

    #[test]
    fn the_order_of_the_page_counts() {
        assert_eq!(ordered(&["20-b.sh", "10-a.sh"], ""), (vec!["20-b.sh", "10-a.sh", "30-c.sh"], None));
        let moved = ordered(&["30-c.sh", "20-b.sh", "10-a.sh"], "up:10-a.sh");
        assert_eq!(moved, (vec!["30-c.sh", "10-a.sh", "20-b.sh"], Some(1)));
        assert_eq!(ordered(&["gone.sh"], "up:gone.sh").1, None);
    }

    #[test]
    fn a_long_order_is_no_trouble() {
        let began = std::time::Instant::now();
        let order = (0..200_000).rev().map(|number| number.to_string());
        let order = Order::new(order.collect(), "up:0".into());
        let mut items: Vec<String> = (0..2000).map(|number: u32| number.to_string()).collect();
        assert_eq!(order.apply(&mut items, |item| item), Some(1998));
        assert_eq!((items[0].as_str(), items[1998].as_str()), ("1999", "0"));
        assert!(began.elapsed() < std::time::Duration::from_secs(20));
    }
}
