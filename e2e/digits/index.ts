/** The digits of the `mnist` package -> a training and a held-out part, as PNG files with labels.json; and the model that was trained on them. */
export { type Digit, type DigitPart, readDigits, SIDE } from './digits.ts';
export { digitsModelFile, type TrainedFigures, trainedFigures } from './trained.ts';
export { writeDigitFiles } from './write-files.ts';
