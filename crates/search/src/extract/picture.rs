//! Pictures, and the three sizes in which they are shown.

use std::io::{self, Cursor, Write};
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits, Rgba, RgbaImage};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree};

use super::Thumbnails;
use super::frames::Sink;

/// The longer side of the smallest thumbnail.
const SMALL_PIXELS: u16 = 100;
/// The longer side of the one for screens of a higher density.
const SMALL_HQ_PIXELS: u16 = 250;
/// The longer side of the largest thumbnail.
pub(super) const LARGE_PIXELS: u16 = 750;

/// A picture wider or higher than this is not looked at.
const SIDE_MAX_PIXELS: u32 = 30_000;
/// What a decoder may hold, the picture included.
const DECODER_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Takes thumbnails out of a picture made of pixels; of one that moves, of its first frame.
pub(super) fn image(bytes: &[u8], sink: &mut Sink<impl Write>) -> io::Result<()> {
    match decoded(bytes) {
        Some(picture) => sink.thumbnails(&thumbnails(&picture)?),
        None => Ok(()),
    }
}

fn decoded(bytes: &[u8]) -> Option<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX_PIXELS);
    limits.max_image_height = Some(SIDE_MAX_PIXELS);
    limits.max_alloc = Some(DECODER_MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    // Not every decoder looks at the limit before it makes room.
    if DECODER_MAX_BYTES < decoder.total_bytes() {
        return None;
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).ok()?;
    // Smaller first: turning a large picture takes as much memory again.
    let mut picture = shrunk(&picture, LARGE_PIXELS);
    picture.apply_orientation(orientation);
    Some(picture)
}

/// Takes thumbnails out of SVG. Nothing outside the file is looked at, and as there are no fonts,
/// what is written in it does not show.
pub(super) fn svg(bytes: &[u8], sink: &mut Sink<impl Write>) -> io::Result<()> {
    match drawn(bytes) {
        Some(picture) => sink.thumbnails(&thumbnails(&picture)?),
        None => Ok(()),
    }
}

fn drawn(bytes: &[u8]) -> Option<DynamicImage> {
    let options = Options {
        resources_dir: None,
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _: Arc<Vec<u8>>, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree = Tree::from_data(bytes, &options).ok()?;
    let size = tree.size();
    let scale = f32::from(LARGE_PIXELS) / size.width().max(size.height());
    let pixels = size.scale_by(scale)?.to_int_size();
    let mut pixmap = Pixmap::new(pixels.width(), pixels.height())?;
    pixmap.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    let (width, height) = (pixmap.width(), pixmap.height());
    RgbaImage::from_raw(width, height, pixmap.take()).map(DynamicImage::from)
}

/// The three sizes of a picture.
pub(super) fn thumbnails(picture: &DynamicImage) -> io::Result<Thumbnails> {
    let large = on_white(&shrunk(picture, LARGE_PIXELS));
    Ok(Thumbnails {
        small: jpeg(&shrunk(&large, SMALL_PIXELS), 70)?,
        small_hq: jpeg(&shrunk(&large, SMALL_HQ_PIXELS), 85)?,
        large: jpeg(&large, 85)?,
    })
}

/// The picture, no side of it longer than `pixels`. A small one stays as it is.
fn shrunk(picture: &DynamicImage, pixels: u16) -> DynamicImage {
    let pixels = u32::from(pixels);
    if picture.width() <= pixels && picture.height() <= pixels {
        return picture.clone();
    }
    picture.thumbnail(pixels, pixels)
}

/// JPEG has no transparency: what is transparent is white.
fn on_white(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return DynamicImage::ImageRgb8(picture.to_rgb8());
    }
    let picture = picture.to_rgba8();
    let mut white = RgbaImage::from_pixel(picture.width(), picture.height(), Rgba([255; 4]));
    image::imageops::overlay(&mut white, &picture, 0, 0);
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(white).to_rgb8())
}

fn jpeg(picture: &DynamicImage, quality: u8) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    picture
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality))
        .map_err(io::Error::other)?;
    Ok(bytes)
}
