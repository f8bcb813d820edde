import { type Monitor, readingSchema } from '@starling/shared';
import { z } from 'zod';
import { type ImageStatistics, imageStatistics } from '../pipelines/operators/index.ts';
import type { RawImage } from '../ports/image-codec.ts';

// Made once: a schema costs a hundred times what it takes to ask it.
const confidentReadingSchema = readingSchema.pick({ confidence: true });
const textSchema = z.object({ confidence: z.number() });

/** The numbers that one value adds to a monitor: one for an image, one per reading, one per list. */
export function measure(monitor: Monitor, value: unknown, statisticsOf: (image: RawImage) => ImageStatistics = imageStatistics): number[] {
  if (monitor.measure === 'count') return Array.isArray(value) ? [value.length] : [];
  const items = Array.isArray(value) ? value : [value];
  if (monitor.measure === 'confidence') return items.flatMap(confidenceOf);
  const kind = monitor.measure;
  return items.filter(isImage).map((image) => statisticsOf(image)[kind]);
}

function confidenceOf(value: unknown): number[] {
  const reading = confidentReadingSchema.safeParse(value);
  if (reading.success) return [reading.data.confidence];
  const text = textSchema.safeParse(value);
  return text.success ? [text.data.confidence] : [];
}

function isImage(value: unknown): value is RawImage {
  return typeof value === 'object' && value !== null && 'width' in value && 'height' in value && 'data' in value;
}
