import { z } from 'zod';

export const SCENE_WIDTH = 960;
export const SCENE_HEIGHT = 640;

const pointSchema = z.tuple([z.number(), z.number()]);

/** Corners in pixels of the picture, from the top left of the text clockwise. */
const sceneTextSchema = z.object({
  text: z.string().min(1),
  box: z.tuple([pointSchema, pointSchema, pointSchema, pointSchema]),
});
export type SceneText = z.infer<typeof sceneTextSchema>;

const sceneSchema = z.object({
  file: z.string(),
  seed: z.number().int(),
  kind: z.enum(['street-sign', 'shop-sign', 'label', 'plate', 'container', 'warning']),
  texts: z.array(sceneTextSchema).min(1),
});
export type Scene = z.infer<typeof sceneSchema>;
export type SceneKind = Scene['kind'];

/** What lies beside the pictures as `scenes.json`. */
export const sceneIndexSchema = z.object({
  schemaVersion: z.literal(1),
  width: z.number().int(),
  height: z.number().int(),
  scenes: z.array(sceneSchema),
});
export type SceneIndex = z.infer<typeof sceneIndexSchema>;
