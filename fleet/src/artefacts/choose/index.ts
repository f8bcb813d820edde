/** Artefacts, a device, an objective, measurements -> the artefact for that device, the runners-up, and why. */
export { type ChoiceDevice, type ChoiceModel, type Chooser, createChooser, type RankedChoice } from './choose-artefact.ts';
export { explainChoice } from './explain-choice.ts';
export type { Measurement, TransferPrice } from './figures.ts';
export { refusalOf } from './refuse.ts';
