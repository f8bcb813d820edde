import type { Detection } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawImage } from '../../ports/image-codec.ts';
import { startOperator } from './operator-harness.ts';

/** Every pixel differs from every other: red counts columns, green rows. */
function numbered(width: number, height: number): RawImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    return [pixel % width, Math.floor(pixel / width), 7][at % 3] as number;
  });
  return { width, height, data };
}

/** Column and row that each pixel of a result had in a numbered picture. */
const placesOf = ({ width, height, data }: RawImage) =>
  Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => `${data[(row * width + column) * 3]},${data[(row * width + column) * 3 + 1]}`).join(' '),
  );

const pictures = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).map(([width, height]) => numbered(width, height));

async function imageBy(name: Parameters<typeof startOperator>[0], params: Record<string, unknown>, image: RawImage): Promise<RawImage> {
  return (await startOperator(name, params).run({ image })).image as RawImage;
}

describe('image.crop', () => {
  it('cuts pixels or shares, as far as the picture goes', async () => {
    expect(placesOf(await imageBy('image.crop', { box: [1, 1, 3, 2] }, numbered(4, 3)))).toEqual(['1,1 2,1']);
    expect(placesOf(await imageBy('image.crop', { box: [0.5, 0, 1, 0.34], unit: 'share' }, numbered(4, 3)))).toEqual(['2,0 3,0']);
    expect(placesOf(await imageBy('image.crop', { box: [-9, 2, 1, 99] }, numbered(4, 3)))).toEqual(['0,2']);
  });

  it.each([[[9, 0, 12, 2]], [[2, 0, 1, 2]], [[1, 1, 1.2, 2]]])('refuses %j, which holds no pixel', async (box) => {
    await expect(imageBy('image.crop', { box }, numbered(4, 3))).rejects.toMatchObject({ code: 'outside-picture', field: 'params.box' });
  });
});

describe('image.crop-detections', () => {
  async function crops(params: Record<string, unknown>, image: RawImage, detections: Partial<Detection>[]): Promise<RawImage[]> {
    const given = detections.map((each) => ({ score: 1, class: 0, ...each }));
    return (await startOperator('image.crop-detections', params).run({ image, detections: given })).images as RawImage[];
  }

  it('gives one picture for each, also for those beside the picture', async () => {
    const images = await crops({}, numbered(6, 4), [{ box: [1, 1, 3, 2] }, { box: [40, 40, 50, 50] }]);
    expect(images.map(placesOf)).toEqual([['1,1 2,1'], ['5,3']]);
  });

  it('adds a margin, and makes squares that stay in the picture', async () => {
    const [wide] = await crops({ margin: 0.5 }, numbered(8, 8), [{ box: [2, 3, 4, 5] }]);
    expect(placesOf(wide as RawImage)[0]).toBe('1,2 2,2 3,2 4,2');
    const [square] = await crops({ square: true }, numbered(8, 8), [{ box: [0, 2, 4, 4] }]);
    expect([square?.width, square?.height, placesOf(square as RawImage)[0]]).toEqual([4, 4, '0,1 1,1 2,1 3,1']);
    const [corner] = await crops({ square: true }, numbered(8, 8), [{ box: [7, 4, 8, 8] }]);
    expect([corner?.width, corner?.height, placesOf(corner as RawImage)[0]?.split(' ')[0]]).toEqual([4, 4, '4,4']);
    const [all] = await crops({ square: true }, numbered(8, 3), [{ box: [1, 0, 7, 3] }]);
    expect([all?.width, all?.height]).toEqual([3, 3]);
  });

  it('sets turned boxes upright', async () => {
    // Two wide and one high, turned a quarter clockwise around 2.5, 3: column 2, rows 2 and 3, read downwards.
    const [turned] = await crops({}, numbered(8, 8), [{ box: [1.5, 2.5, 3.5, 3.5], angle: Math.PI / 2 }]);
    expect(placesOf(turned as RawImage)).toEqual(['2,2 2,3']);
    expect([turned?.width, turned?.height]).toEqual([2, 1]);
  });
});

describe('image.turn', () => {
  it('turns clockwise, then mirrors', async () => {
    const picture = numbered(3, 2);
    expect(placesOf(await imageBy('image.turn', { degrees: 90 }, picture))).toEqual(['0,1 0,0', '1,1 1,0', '2,1 2,0']);
    expect(placesOf(await imageBy('image.turn', { degrees: 180 }, picture))).toEqual(['2,1 1,1 0,1', '2,0 1,0 0,0']);
    expect(placesOf(await imageBy('image.turn', { degrees: 270 }, picture))).toEqual(['2,0 2,1', '1,0 1,1', '0,0 0,1']);
    expect(placesOf(await imageBy('image.turn', { flip: 'horizontal' }, picture))).toEqual(['2,0 1,0 0,0', '2,1 1,1 0,1']);
    expect(placesOf(await imageBy('image.turn', { degrees: 90, flip: 'vertical' }, picture))).toEqual(['2,1 2,0', '1,1 1,0', '0,1 0,0']);
  });

  it('comes back after four quarters, and after mirroring twice', async () => {
    await fc.assert(
      fc.asyncProperty(pictures, async (picture) => {
        let turned = picture;
        for (let quarter = 0; quarter < 4; quarter += 1) turned = await imageBy('image.turn', { degrees: 90 }, turned);
        expect(turned).toEqual(picture);
        const once = await imageBy('image.turn', { degrees: 270, flip: 'horizontal' }, picture);
        expect(await imageBy('image.turn', { degrees: 270, flip: 'horizontal' }, once)).toEqual(picture);
      }),
    );
  });
});

describe('image.warp', () => {
  it('leaves a picture as it is by its own corners, and turns it by others', async () => {
    await fc.assert(
      fc.asyncProperty(pictures, async (picture) => {
        const { width, height } = picture;
        const whole = [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ];
        expect(await imageBy('image.warp', { width, height, unit: 'share', quad: whole }, picture)).toEqual(picture);
        const quarter = [
          [0, height],
          [0, 0],
          [width, 0],
          [width, height],
        ];
        const turned = await imageBy('image.warp', { width: height, height: width, quad: quarter }, picture);
        expect(turned).toEqual(await imageBy('image.turn', { degrees: 90 }, picture));
      }),
    );
  });

  it('moves by a matrix, the border repeated where nothing is', async () => {
    const moved = await imageBy('image.warp', { width: 3, height: 2, matrix: [1, 0, 1, 0, 1, 0] }, numbered(3, 2));
    expect(placesOf(moved)).toEqual(['0,0 0,0 1,0', '0,1 0,1 1,1']);
    const half = await imageBy(
      'image.warp',
      { width: 2, height: 1, matrix: [0.5, 0, 0, 0, 0.5, 0] },
      { width: 4, height: 2, data: Uint8Array.from([0, 40, 100, 120, 20, 60, 120, 140].flatMap((value) => [value, value, value])) },
    );
    // In the middle of four pixels each.
    expect([...half.data.filter((_, at) => at % 3 === 0)]).toEqual([30, 120]);
  });

  it('wants a quad or a matrix, and one that can be undone', () => {
    const started = (params: Record<string, unknown>) => () => startOperator('image.warp', { width: 2, height: 2, ...params });
    expect(started({})).toThrow();
    expect(
      started({
        matrix: [1, 0, 0, 0, 1, 0],
        quad: [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ],
      }),
    ).toThrow();
    expect(started({ matrix: [1, 2, 0, 2, 4, 0] })).toThrow();
  });
});

describe('image.colour', () => {
  const pixel = (red: number, green: number, blue: number): RawImage => ({ width: 1, height: 1, data: Uint8Array.of(red, green, blue) });
  it.each([
    [{ channels: 'swap' }, [1, 2, 3], [3, 2, 1]],
    // 0.299 * 255 = 76.2
    [{ channels: 'grey' }, [255, 0, 0], [76, 76, 76]],
    [{ brightness: 10 }, [0, 100, 250], [10, 110, 255]],
    // (100 - 127.5) * 2 + 127.5 = 72.5, which rounds to even
    [{ contrast: 2 }, [100, 0, 200], [72, 0, 255]],
    [{ contrast: 0, brightness: -27.5 }, [1, 99, 255], [100, 100, 100]],
    // 255 * (64 / 255) ^ 0.5 = 127.7
    [{ gamma: 0.5 }, [0, 64, 255], [0, 128, 255]],
  ])('by %j makes %j to %j', async (params, from, to) => {
    const [red = 0, green = 0, blue = 0] = from;
    expect([...(await imageBy('image.colour', params, pixel(red, green, blue))).data]).toEqual(to);
  });
});

describe('image.to-tensor', () => {
  async function tensor(params: Record<string, unknown>) {
    const image = { width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 40, 50, 60) };
    const { tensor: made } = await startOperator('image.to-tensor', params).run({ image });
    return made as { elementType: string; shape: number[]; data: Uint8Array | Float32Array };
  }

  it('lays out planes or pixels, in either order', async () => {
    const planes = await tensor({ elementType: 'uint8' });
    expect([planes.elementType, planes.shape, [...planes.data]]).toEqual(['uint8', [1, 3, 1, 2], [10, 40, 20, 50, 30, 60]]);
    const pixels = await tensor({ elementType: 'uint8', layout: 'nhwc', order: 'bgr' });
    expect([pixels.shape, [...pixels.data]]).toEqual([
      [1, 1, 2, 3],
      [30, 20, 10, 60, 50, 40],
    ]);
  });

  it('normalises in either layout', async () => {
    const params = { mean: [0, 0.5, 0], std: [1 / 255, 0.5, 1] };
    const planes = [10, 40, 20 / 127.5 - 1, 50 / 127.5 - 1, 30 / 255, 60 / 255];
    const close = (values: number[]) => values.map((value) => expect.closeTo(value, 5));
    expect([...(await tensor(params)).data]).toEqual(close(planes));
    expect([...(await tensor({ ...params, layout: 'nhwc' })).data]).toEqual(close([0, 2, 4, 1, 3, 5].map((at) => planes[at] as number)));
  });

  it('has ports of the type that it gives', async () => {
    const { operatorSignatures } = await import('@starling/shared');
    const { ports, params } = operatorSignatures['image.to-tensor'];
    expect(ports(params.parse({})).outputs).toEqual({ tensor: 'tensor<float32,[1,3,h,w]>' });
    expect(ports(params.parse({ layout: 'nhwc', elementType: 'uint8' })).outputs).toEqual({ tensor: 'tensor<uint8,[1,h,w,3]>' });
  });
});

describe('image.statistics', () => {
  it('measures black and white', async () => {
    const image = { width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 255, 255, 255) };
    const { statistics } = await startOperator('image.statistics').run({ image });
    expect(statistics).toEqual({ width: 2, height: 1, brightness: 127.5, contrast: expect.closeTo(127.5, 3), sharpness: 0 });
  });
});

describe('pictures that are none', () => {
  it.each([
    { width: 0, height: 4, data: new Uint8Array() },
    { width: 2, height: 2, data: new Uint8Array(3) },
    { width: Number.NaN, height: 2, data: new Uint8Array(3) },
    'picture',
  ])('are refused: %j', async (image) => {
    for (const name of ['image.turn', 'image.colour', 'image.statistics', 'image.draw'] as const) {
      await expect(startOperator(name).run({ image })).rejects.toMatchObject({ code: 'wrong-value', field: 'image' });
    }
  });
});
