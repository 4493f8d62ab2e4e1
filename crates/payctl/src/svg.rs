//! What every picture is made of: a frame with a title, rules, lines and words, as SVG.

use std::fmt::Write;

/// Size of a picture, in pixels.
pub(crate) const WIDTH: f64 = 760.0;
pub(crate) const HEIGHT: f64 = 440.0;
/// Where the axes stand.
pub(crate) const LEFT: f64 = 84.0;
pub(crate) const RIGHT: f64 = 24.0;
pub(crate) const TOP: f64 = 64.0;
pub(crate) const BOTTOM: f64 = 60.0;

/// About as wide as a digit, so that no label leaves the picture.
const DIGIT_WIDTH: f64 = 8.0;
/// How wide a name in the head of a picture may be, with its colour.
const HEAD_NAME_WIDTH: f64 = 72.0;

/// One colour for each line, distinct also for the colour-blind (Okabe and Ito).
pub(crate) const COLORS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// Where the reader asks for dark colours. What is drawn in a colour of its own reads on both.
const DARK: &str =
    "@media (prefers-color-scheme: dark) { rect { fill: #16191f } text { fill: #dfe2e7 } .rule { stroke: #3b414b } }";

/// A picture that is being drawn.
#[derive(Debug)]
pub(crate) struct Svg {
    text: String,
}

impl Svg {
    /// An empty picture with a title and a line below it.
    pub(crate) fn titled(title: &str, subtitle: &str) -> Self {
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n\
             <style>{DARK}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        let mut svg = Self { text };
        svg.words(LEFT, 26.0, "start", "font-size=\"17\" font-weight=\"bold\"", title);
        svg.words(LEFT, 46.0, "start", "fill=\"#555\"", subtitle);
        svg
    }

    /// The whole picture.
    pub(crate) fn finish(self) -> String {
        self.text + "</svg>\n"
    }

    /// What the axes tell.
    pub(crate) fn axis_titles(&mut self, across: &str, upwards: &str) {
        self.axis_title_across(across);
        self.axis_title_upwards(upwards, (TOP + HEIGHT - BOTTOM) / 2.0);
    }

    /// What the lower axis tells.
    pub(crate) fn axis_title_across(&mut self, across: &str) {
        self.words((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 14.0, "middle", "fill=\"#555\"", across);
    }

    /// What the left axis tells around this height.
    pub(crate) fn axis_title_upwards(&mut self, upwards: &str, y: f64) {
        let x = 22.0;
        let turned = format!("fill=\"#555\" transform=\"rotate(-90 {x} {y})\"");
        self.words(x, y, "middle", &turned, upwards);
    }

    /// A rule across at this height, with a label at the left axis.
    pub(crate) fn tick_at_height(&mut self, y: f64, label: &str) {
        self.rule([LEFT, y, WIDTH - RIGHT, y]);
        self.words(LEFT - 8.0, y + 4.0, "end", "", label);
    }

    /// A rule upwards at this place, with a label below the lower axis.
    pub(crate) fn tick_at_place(&mut self, x: f64, label: &str) {
        self.rule([x, TOP, x, HEIGHT - BOTTOM]);
        let half = DIGIT_WIDTH * label.chars().count() as f64 / 2.0;
        let (x, anchor) = if x + half > WIDTH { (WIDTH - 4.0, "end") } else { (x, "middle") };
        self.words(x, HEIGHT - BOTTOM + 20.0, anchor, "", label);
    }

    /// A line through points, in the colour of series number `index`.
    pub(crate) fn line(&mut self, index: usize, points: impl Iterator<Item = (f64, f64)>) {
        let mut text = String::new();
        for (x, y) in points {
            // Writing to a string cannot fail.
            let _ = write!(text, "{x:.1},{y:.1} ");
        }
        let (color, points) = (color(index), text.trim_end());
        let _ = writeln!(
            self.text,
            "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" stroke-linejoin=\"round\" points=\"{points}\"/>"
        );
    }

    /// The same with a dot at each point.
    pub(crate) fn marked_line(&mut self, index: usize, points: impl Iterator<Item = (f64, f64)> + Clone) {
        self.line(index, points.clone());
        let color = color(index);
        for (x, y) in points {
            let _ = writeln!(self.text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{color}\"/>");
        }
    }

    /// The name of series number `index`, beside its colour, below each other inside the axes.
    pub(crate) fn legend(&mut self, index: usize, name: &str) {
        self.name_series(index, LEFT + 14.0, TOP + 18.0 + 20.0 * index as f64, name);
    }

    /// The names of all series, beside their colours, above the axes: for lines that may run anywhere.
    pub(crate) fn legend_in_head(&mut self, names: &[&str]) {
        for (index, name) in names.iter().enumerate() {
            let from_end = HEAD_NAME_WIDTH * (names.len() - index) as f64;
            self.name_series(index, WIDTH - RIGHT - from_end, 42.0, name);
        }
    }

    fn name_series(&mut self, index: usize, x: f64, y: f64, name: &str) {
        let (color, to) = (color(index), x + 24.0);
        let _ = writeln!(
            self.text,
            "<line x1=\"{x}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" stroke=\"{color}\" stroke-width=\"3\"/>"
        );
        self.words(to + 8.0, y + 4.0, "start", "", name);
    }

    fn rule(&mut self, [x1, y1, x2, y2]: [f64; 4]) {
        let _ = writeln!(
            self.text,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"rule\" stroke=\"#ddd\" stroke-width=\"1\"/>"
        );
    }

    fn words(&mut self, x: f64, y: f64, anchor: &str, attributes: &str, content: &str) {
        let content = content.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {attributes}>{content}</text>"
        );
    }
}

fn color(index: usize) -> &'static str {
    COLORS.get(index % COLORS.len()).copied().unwrap_or("#222")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_break_the_picture() {
        let svg = Svg::titled("a < b & c", "").finish();
        assert!(svg.contains(">a &lt; b &amp; c</text>"), "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }
}
