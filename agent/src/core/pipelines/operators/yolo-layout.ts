import { type OperatorParams, StarlingError } from '@starling/shared';
import type { Tensor } from '../../ports/engine.ts';

export type YoloParams = OperatorParams<'yolo.decode'>;

/** How the numbers of an output are laid out: the one of a row and channel lies at row * rowStep + channel * channelStep. */
export interface YoloRows {
  layout: Exclude<YoloParams['layout'], 'auto'>;
  rows: number;
  rowStep: number;
  channelStep: number;
  /** Channel of the first class; of `v10` there is none, its class is a number by itself. */
  firstClass: number;
  classes: number;
  /** Channel of what a row has beyond box and scores, and how many there are. */
  firstExtra: number;
  extras: number;
}

/** Strides of the maps that exports have: the usual three, with a fourth coarse or fine one. */
const strideSets = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [4, 8, 16, 32],
];
/** Of tiny models, all of which have several boxes at each place. */
const tinyStrides = [16, 32];
/** Channels before the classes, by layout. */
const channelsBefore = { v5: 5, v8: 4, v10: 6 } as const;
/** Boxes of v5 and v7 at each place. */
const ANCHORS = 3;

/**
 * @param masks channels of the prototypes, where the task has masks
 * @throws StarlingError `unknown-layout`, `wrong-shape`, `labels-mismatch`
 */
export function readLayout(output: Tensor, params: YoloParams, masks: number): YoloRows {
  const [batch = 0, first = 0, second = 0] = output.shape;
  if (batch !== 1) throw wrongShape(output, 'it holds more than one picture', 'run the model for one picture at a time');
  const layout = params.layout === 'auto' ? recognise(output, params) : params.layout;
  const [rows, channels] = layout === 'v8' ? [second, first] : [first, second];
  const isV10 = layout === 'v10';
  const before = channelsBefore[layout];
  const extras = extrasOf(output, channels - before, params, masks, isV10);
  const classes = isV10 ? 0 : channels - before - extras;
  if (classes < (isV10 ? 0 : 1) || before + classes + extras !== channels) {
    throw wrongShape(output, `${channels} channels are too few for ${params.task} in the layout ${layout}`, 'correct task or layout');
  }
  if (!isV10 && params.labels !== undefined && params.labels.length !== classes) {
    throw new StarlingError('labels-mismatch', `the model has ${classes} classes, there are ${params.labels.length} labels`, {
      field: 'params.labels',
      hint: 'give one label for each class, in the order of the model; if the count is far off, set layout and task',
    });
  }
  return {
    layout,
    rows,
    rowStep: layout === 'v8' ? 1 : channels,
    channelStep: layout === 'v8' ? rows : 1,
    firstClass: before,
    classes,
    firstExtra: before + classes,
    extras,
  };
}

/** How many places a detector looks at follows from the sides of its input, and tells the layouts apart. */
function recognise(output: Tensor, params: YoloParams): 'v5' | 'v8' | 'v10' {
  const [, first = 0, second = 0] = output.shape;
  const { width, height } = params.fit;
  const places = (strides: readonly number[]): number =>
    strides.reduce((sum, stride) => sum + Math.ceil(width / stride) * Math.ceil(height / stride), 0);
  const counts = strideSets.map(places);
  if (counts.includes(second)) return 'v8';
  // Of v6 there is one box at each place, in rows as those of v5.
  if (counts.includes(first) || [...counts, places(tinyStrides)].includes(first / ANCHORS)) return 'v5';
  // What is suppressed already holds few rows, and never more channels than a row of this kind has.
  if (first <= 1000 && second >= 6 && (params.task !== 'detect' || second === 6)) return 'v10';
  throw new StarlingError(
    'unknown-layout',
    `an output of [${output.shape.join(',')}] is of no layout for an input of ${width} x ${height}`,
    {
      field: 'params.layout',
      hint: 'correct width and height of fit to those of the input of the model, or name the layout',
    },
  );
}

function extrasOf(output: Tensor, available: number, params: YoloParams, masks: number, isV10: boolean): number {
  if (params.task === 'detect') return 0;
  if (params.task === 'turned') return 1;
  if (params.task === 'segment') return masks;
  const values = isV10 ? available : available - (params.labels?.length ?? 1);
  if (values === params.keypoints * 2 || values === params.keypoints * 3) return values;
  throw wrongShape(
    output,
    `${values} numbers of a row are neither two nor three for each of ${params.keypoints} key points`,
    'correct keypoints, and give the labels if there is more than one class',
  );
}

function wrongShape(output: Tensor, reason: string, hint: string): StarlingError {
  return new StarlingError('wrong-shape', `an output of [${output.shape.join(',')}]: ${reason}`, { field: 'output', hint });
}
