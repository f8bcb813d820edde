import { type Detection, StarlingError } from '@starling/shared';

/** Detections of one item: what detectors keep of a crowd, and few enough that matching them never holds the device up. */
const DETECTIONS_MAXIMUM = 500;
/** Pixels from the corner of the picture: beyond it nothing is a picture, and squares lose their last digits. */
const COORDINATE_MAXIMUM = 1_000_000;

/** A detection that `track.objects` has numbered. */
export type TrackedDetection = Detection & { track: number };

/**
 * Detections that can be computed with.
 * @throws StarlingError `wrong-value` for boxes that are no boxes, `too-many-detections`
 */
export function soundDetectionsOf(inputs: Readonly<Record<string, unknown>>, port: string): Detection[] {
  const value = inputs[port];
  if (!Array.isArray(value)) throw new StarlingError('wrong-value', `input "${port}" holds no detections`, { field: port });
  if (value.length > DETECTIONS_MAXIMUM) {
    throw new StarlingError('too-many-detections', `${value.length} detections in one item, at most ${DETECTIONS_MAXIMUM} are followed`, {
      field: port,
      hint: 'suppress overlapping ones first, or raise the score that the detector asks for',
    });
  }
  for (const [index, detection] of (value as Detection[]).entries()) requireSound(detection, `${port}.${index}`);
  return value as Detection[];
}

function requireSound(detection: Detection, field: string): void {
  const { box, score, class: classIndex } = detection;
  const hint = 'look at what the decoder of the detector gives: coordinates may be swapped, or the model may give NaN';
  const isBox = Array.isArray(box) && box.length === 4 && box.every((at) => Math.abs(at) <= COORDINATE_MAXIMUM);
  if (!isBox) throw new StarlingError('wrong-value', `the box is [${String(box)}]`, { field: `${field}.box`, hint });
  if (box[2] < box[0] || box[3] < box[1]) {
    throw new StarlingError('wrong-value', `the box [${box.join(', ')}] ends before it begins`, { field: `${field}.box`, hint });
  }
  if (!Number.isFinite(score)) throw new StarlingError('wrong-value', `the score is ${score}`, { field: `${field}.score`, hint });
  if (!Number.isSafeInteger(classIndex) || classIndex < 0) {
    throw new StarlingError('wrong-value', `the class is ${classIndex}`, { field: `${field}.class`, hint });
  }
}

/**
 * Detections that all belong to tracks, each to one of its own.
 * @throws StarlingError `no-track` where one does not
 */
export function trackedDetectionsOf(inputs: Readonly<Record<string, unknown>>, port: string): TrackedDetection[] {
  const detections = soundDetectionsOf(inputs, port);
  const seen = new Set<number>();
  for (const [index, { track }] of detections.entries()) {
    if (track === undefined || !Number.isSafeInteger(track)) {
      throw new StarlingError('no-track', 'a detection has no track, so nobody knows whether it was counted before', {
        field: `${port}.${index}.track`,
        hint: 'put track.objects before this node',
      });
    }
    if (seen.has(track)) {
      throw new StarlingError('wrong-value', `two detections have track ${track}`, {
        field: `${port}.${index}.track`,
        hint: 'tracks of several cameras cannot be counted together: give each its own stream',
      });
    }
    seen.add(track);
  }
  return detections as TrackedDetection[];
}
