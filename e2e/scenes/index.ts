/** A seed -> pictures of signs, labels, plates and container codes on disk, with the text in each; and readings of them -> a score. */
export { type Scene, type SceneIndex, type SceneText, sceneIndexSchema } from './scene.ts';
export { type FoundText, type Score, scoreScene, sumScores } from './score.ts';
export { readScenes, writeScenes } from './write.ts';
