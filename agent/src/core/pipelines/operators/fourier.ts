/** The Fourier transform of one length, with its tables made beforehand. */
export interface Fourier {
  /** In place, forward, without a factor. */
  transform(real: Float64Array, imaginary: Float64Array): void;
}

/** Any length: by halves where it is a power of two, otherwise as a convolution of such a length. */
export function createFourier(length: number): Fourier {
  return Number.isInteger(Math.log2(length)) ? powerOfTwo(length) : chirp(length);
}

/** Decimation in time, iterative, over bit-reversed order (Cooley and Tukey, 1965). */
function powerOfTwo(length: number): Fourier {
  const bits = Math.log2(length);
  const reversed = Uint32Array.from({ length }, (_, index) => {
    let turned = 0;
    for (let bit = 0; bit < bits; bit += 1) turned |= ((index >> bit) & 1) << (bits - 1 - bit);
    return turned;
  });
  const cosines = Float64Array.from({ length: length >> 1 }, (_, index) => Math.cos((2 * Math.PI * index) / length));
  const sines = Float64Array.from({ length: length >> 1 }, (_, index) => -Math.sin((2 * Math.PI * index) / length));
  return {
    transform(real, imaginary) {
      for (let index = 0; index < length; index += 1) {
        const other = reversed[index] as number;
        if (other <= index) continue;
        [real[index], real[other]] = [real[other] as number, real[index] as number];
        [imaginary[index], imaginary[other]] = [imaginary[other] as number, imaginary[index] as number];
      }
      for (let span = 1; span < length; span <<= 1) {
        const stride = length / (2 * span);
        for (let start = 0; start < length; start += 2 * span) {
          for (let offset = 0, turn = 0; offset < span; offset += 1, turn += stride) {
            const [left, right] = [start + offset, start + offset + span];
            const [cosine, sine] = [cosines[turn] as number, sines[turn] as number];
            const [x, y] = [real[right] as number, imaginary[right] as number];
            const [turnedX, turnedY] = [x * cosine - y * sine, x * sine + y * cosine];
            real[right] = (real[left] as number) - turnedX;
            imaginary[right] = (imaginary[left] as number) - turnedY;
            real[left] = (real[left] as number) + turnedX;
            imaginary[left] = (imaginary[left] as number) + turnedY;
          }
        }
      }
    },
  };
}

/** The chirp transform: since nk = (n² + k² - (k - n)²) / 2, a convolution with a chirp (Bluestein, 1970). */
function chirp(length: number): Fourier {
  const wide = 2 ** Math.ceil(Math.log2(2 * length - 1));
  const inner = powerOfTwo(wide);
  // n² modulo 2 * length: the angle stays small and exact.
  const angles = Float64Array.from({ length }, (_, index) => (Math.PI * ((index * index) % (2 * length))) / length);
  const [cosines, sines] = [angles.map(Math.cos), angles.map(Math.sin)];
  const [chirpReal, chirpImaginary] = [new Float64Array(wide), new Float64Array(wide)];
  for (let index = 0; index < length; index += 1) {
    chirpReal[index] = chirpReal[(wide - index) % wide] = cosines[index] as number;
    chirpImaginary[index] = chirpImaginary[(wide - index) % wide] = sines[index] as number;
  }
  inner.transform(chirpReal, chirpImaginary);
  const [a, b] = [new Float64Array(wide), new Float64Array(wide)];
  return {
    transform(real, imaginary) {
      a.fill(0, length);
      b.fill(0, length);
      for (let index = 0; index < length; index += 1) {
        const [x, y, cosine, sine] = [real[index] as number, imaginary[index] as number, cosines[index] as number, sines[index] as number];
        a[index] = x * cosine + y * sine;
        b[index] = y * cosine - x * sine;
      }
      inner.transform(a, b);
      for (let index = 0; index < wide; index += 1) {
        const [x, y, u, v] = [a[index] as number, b[index] as number, chirpReal[index] as number, chirpImaginary[index] as number];
        a[index] = x * u - y * v;
        // Conjugated: the forward transform of it is the conjugate of the inverse.
        b[index] = -(x * v + y * u);
      }
      inner.transform(a, b);
      for (let index = 0; index < length; index += 1) {
        const [x, y, cosine, sine] = [
          (a[index] as number) / wide,
          -(b[index] as number) / wide,
          cosines[index] as number,
          sines[index] as number,
        ];
        real[index] = x * cosine + y * sine;
        imaginary[index] = y * cosine - x * sine;
      }
    },
  };
}
