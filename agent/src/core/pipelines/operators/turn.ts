import type { OperatorParams } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import { imageOf } from './values.ts';

type Params = OperatorParams<'image.turn'>;

export function turnImage(inputs: Readonly<Record<string, unknown>>, params: Params) {
  const image = imageOf(inputs, 'image');
  return { image: params.degrees === 0 && params.flip === 'none' ? image : turned(image, params) };
}

/** Which pixel of the source comes first, and how many pixels on the next one lies, along a row and along a column of the result. */
interface Walk {
  first: number;
  along: number;
  down: number;
}

function turned(image: RawImage, { degrees, flip }: Params): RawImage {
  const isSideways = degrees === 90 || degrees === 270;
  const width = isSideways ? image.height : image.width;
  const height = isSideways ? image.width : image.height;
  let { first, along, down } = walkOf(image, degrees);
  if (flip === 'horizontal') {
    first += (width - 1) * along;
    along = -along;
  } else if (flip === 'vertical') {
    first += (height - 1) * down;
    down = -down;
  }
  const data = new Uint8Array(image.data.length);
  let to = 0;
  for (let row = 0; row < height; row += 1) {
    let from = (first + row * down) * 3;
    for (let column = 0; column < width; column += 1, to += 3, from += along * 3) {
      data[to] = image.data[from] as number;
      data[to + 1] = image.data[from + 1] as number;
      data[to + 2] = image.data[from + 2] as number;
    }
  }
  return { width, height, data };
}

function walkOf({ width, height }: RawImage, degrees: Params['degrees']): Walk {
  if (degrees === 90) return { first: (height - 1) * width, along: -width, down: 1 };
  if (degrees === 180) return { first: width * height - 1, along: -1, down: -width };
  if (degrees === 270) return { first: width - 1, along: width, down: -1 };
  return { first: 0, along: 1, down: width };
}
