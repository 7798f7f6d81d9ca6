//! Text and a picture of the first page out of PDF.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Point, Rect};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use image::{DynamicImage, RgbaImage};

use super::frames::Sink;
use super::picture::{LARGE_PIXELS, thumbnails};

/// Pages whose text is read.
const PAGES_MAX: usize = 5_000;
/// Text of one page; more stands on none.
const PAGE_TEXT_MAX_BYTES: usize = 256 * 1024;

/// Takes text and thumbnails out.
pub(super) fn parse(bytes: Vec<u8>, sink: &mut Sink<impl Write>) -> io::Result<()> {
    let Ok(pdf) = Pdf::new(bytes) else { return Ok(()) };
    for (number, page) in pdf.pages().iter().take(PAGES_MAX).enumerate() {
        // A page that cannot be read says nothing of the next one.
        let text = catch_unwind(AssertUnwindSafe(|| page_text(page, &pdf)));
        sink.text(&text.unwrap_or_default())?;
        if number == 0 {
            let picture = catch_unwind(AssertUnwindSafe(|| draw(page)));
            if let Some(picture) = picture.ok().flatten() {
                sink.thumbnails(&thumbnails(&picture)?)?;
            }
        }
        if sink.is_full() {
            break;
        }
    }
    Ok(())
}

/// Draws a page as large as the largest thumbnail.
pub(super) fn draw(page: &Page<'_>) -> Option<DynamicImage> {
    let (width, height) = page.render_dimensions();
    let is_drawable = |length: f32| length.is_finite() && 0.0 < length;
    if !is_drawable(width) || !is_drawable(height) {
        return None;
    }
    let pixels = f32::from(LARGE_PIXELS);
    let scale = pixels / width.max(height);
    let settings = PixmapSettings {
        x_scale: scale.max(1.0 / width),
        y_scale: scale.max(1.0 / height),
        bg_color: WHITE,
    };
    let interpreter = InterpreterSettings::default();
    let pixmap =
        render(page, &RenderCache::new(), &interpreter, &RenderSettings::default(), &settings);
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    RgbaImage::from_raw(width, height, pixmap.data_as_u8_slice().to_vec()).map(DynamicImage::from)
}

fn page_text(page: &Page<'_>, pdf: &Pdf) -> String {
    let cache = InterpreterCache::new();
    let anywhere = Rect::new(0.0, 0.0, 1.0, 1.0);
    let settings = InterpreterSettings::default();
    let mut context = Context::new(Affine::IDENTITY, anywhere, &cache, pdf.xref(), settings);
    let mut device = TextDevice::default();
    interpret_page(page, &mut context, &mut device);
    device.text.push('\n');
    device.text
}

/// Listens to what is drawn and writes down the characters.
#[derive(Default)]
struct TextDevice {
    text: String,
    /// Where the last character ended, and how high it was.
    last: Option<(Point, f64)>,
}

impl TextDevice {
    fn glyph(&mut self, glyph: &Glyph<'_>, transform: Affine) {
        if PAGE_TEXT_MAX_BYTES <= self.text.len() {
            return;
        }
        let Some(character) = glyph.as_unicode() else { return };
        // Glyphs are drawn on a grid of 1000 units.
        let at = |x: f64, y: f64| transform * Point::new(x, y);
        let advance = match glyph {
            Glyph::Outline(glyph) => glyph.advance_width(),
            Glyph::Type3(glyph) => glyph.advance_width(),
        };
        let (start, size) = (at(0.0, 0.0), (at(0.0, 1000.0) - at(0.0, 0.0)).hypot());
        self.part(start, size);
        match character {
            BfString::Char(character) if !character.is_control() => self.text.push(character),
            BfString::Char(_) => {}
            BfString::String(characters) => {
                self.text.extend(characters.chars().filter(|character| !character.is_control()));
            }
        }
        self.last = Some((at(f64::from(advance.unwrap_or_default()), 0.0), size));
    }

    /// Parts words and lines by where they stand.
    fn part(&mut self, start: Point, size: f64) {
        let Some((end, last_size)) = self.last else { return };
        let size = size.max(last_size);
        let gap = (start - end).hypot();
        if 0.5 * size < (start.y - end.y).abs() || 3.0 * size < gap {
            self.text.push('\n');
        } else if 0.2 * size < gap && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }
}

impl<'a> Device<'a> for TextDevice {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// A PDF of one page with lines of a typewriter.
pub(super) fn typed(lines: &[Vec<u8>], font_points: u32, leading_points: u32) -> Vec<u8> {
    let mut content = format!("BT /F {font_points} Tf {leading_points} TL 36 800 Td ");
    for line in lines {
        content.push('<');
        for byte in line {
            // Writing to a String cannot fail.
            let _infallible = write!(content, "{byte:02x}");
        }
        content.push_str("> Tj T* ");
    }
    content.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font \
         << /F << /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >> >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(pdf.len());
        let _infallible = write!(pdf, "{number} 0 obj\n{object}\nendobj\n");
    }
    let xref = pdf.len();
    pdf.push_str("xref\n0 5\n0000000000 65535 f \n");
    for offset in offsets {
        let _infallible = writeln!(pdf, "{offset:010} 00000 n ");
    }
    let _infallible = write!(pdf, "trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n");
    pdf.into_bytes()
}
