/** Pixels: RGB, 8 bits, row-major. `data` may lie on a SharedArrayBuffer. */
export interface RawImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/** What a source gives: an encoded image, or pixels where frames never were encoded, as those of a camera in a browser. */
export type ImageInput = Uint8Array | RawImage;

export interface ImageHeader {
  width: number;
  height: number;
  format: string;
}

/** How a picture is written. */
export interface EncodeOptions {
  format: 'jpeg' | 'webp' | 'png';
  /** 1 to 100; png knows none. */
  quality: number;
  /** A picture with a longer side is made smaller, in proportion. */
  longestSide: number;
}

export interface EncodedImage {
  format: EncodeOptions['format'];
  width: number;
  height: number;
  bytes: Uint8Array;
}

/** What a runtime's own codec does; all geometry beyond scaling is ours, so that runtimes agree. */
export interface ImageCodec {
  /** Reads the header alone. @throws StarlingError `not-an-image` */
  probe(bytes: Uint8Array): Promise<ImageHeader>;
  /**
   * Decodes to RGB: EXIF rotation applied, first frame of an animation, CMYK converted, transparency on white.
   * @throws StarlingError `not-an-image`, or `image-too-large` before anything is decoded
   */
  decode(bytes: Uint8Array, maximumPixels: number): Promise<RawImage>;
  /** Scales to exactly `width` x `height`, bilinear or better. */
  resize(image: RawImage, width: number, height: number): Promise<RawImage>;
  /** Writes a picture file, never larger than the picture is. @throws StarlingError `not-encodable` */
  encode(image: RawImage, options: EncodeOptions): Promise<EncodedImage>;
}
