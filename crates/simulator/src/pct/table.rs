//! Tables as Proxmox's command line prints them (`PVE::CLIFormatter`): a line between all rows, in box-drawing
//! characters where the locale has them.

/// Rows of one or more lines per cell below a header.
pub(super) fn table(header: &[&str], rows: &[Vec<String>], utf8: bool) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).flat_map(|cell| cell.lines());
            cells.chain([header[column]]).map(|line| line.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let style = if utf8 {
        [["┌", "┬", "┐", "─"], ["╞", "╪", "╡", "═"], ["├", "┼", "┤", "─"], ["└", "┴", "┘", "─"]]
    } else {
        [["+", "+", "+", "-"], ["+", "+", "+", "="], ["+", "+", "+", "-"], ["+", "+", "+", "-"]]
    };
    let line = |[left, middle, right, fill]: [&str; 4]| {
        let parts: Vec<String> = widths.iter().map(|width| fill.repeat(width + 2)).collect();
        format!("{left}{}{right}\n", parts.join(middle))
    };
    let bar = if utf8 { "│" } else { "|" };
    let mut text = line(style[0]);
    text.push_str(&cells(&header.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>(), &widths, bar));
    for (index, row) in rows.iter().enumerate() {
        text.push_str(&line(style[if index == 0 { 1 } else { 2 }]));
        text.push_str(&cells(row, &widths, bar));
    }
    if rows.is_empty() {
        text.push_str(&line(style[1]));
    }
    text.push_str(&line(style[3]));
    text
}

fn cells(row: &[String], widths: &[usize], bar: &str) -> String {
    let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or(0).max(1);
    let mut text = String::new();
    for index in 0..height {
        for (cell, width) in row.iter().zip(widths) {
            let part = cell.lines().nth(index).unwrap_or_default();
            let rest = " ".repeat(width - part.chars().count());
            text.extend([bar, " ", part, &rest, " "]);
        }
        text.push_str(bar);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn a_table_is_drawn_as_proxmox_draws_it() {
        let rows = [vec!["full-tokenid".into(), "berth@pve!berth".into()], vec!["value".into(), "x".into()]];
        let drawn = table(&["key", "value"], &rows, true);
        assert_eq!(
            drawn,
            "┌──────────────┬─────────────────┐\n\
             │ key          │ value           │\n\
             ╞══════════════╪═════════════════╡\n\
             │ full-tokenid │ berth@pve!berth │\n\
             ├──────────────┼─────────────────┤\n\
             │ value        │ x               │\n\
             └──────────────┴─────────────────┘\n"
        );
    }
}
