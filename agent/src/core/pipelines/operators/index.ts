/** Values on the inputs of a node, parameters of the pipeline -> values on its outputs; a function for each signature in shared. */
import { audioLevel, audioToTensor, frameAudio, mixAudio } from './audio.ts';
import { logMel } from './audio-log-mel.ts';
import { resampleAudio } from './audio-resample.ts';
import { topClasses } from './classes.ts';
import { dbnetDecode } from './dbnet.ts';
import { cropQuads, decodeImage, fitImage, imageToGreyTensor, imageToTensor, resizeImage } from './image.ts';
import type { OperatorTable } from './operator.ts';
import { concatTensors, reshapeTensor, sliceTensor, transposeTensor } from './tensor-layout.ts';
import { argmaxTensor, softmaxTensor, thresholdTensor, topKTensor } from './tensor-scores.ts';
import { castTensor, constantTensor, normaliseTensor, tensorToJson } from './tensor-values.ts';
import { collectReadings, ctcDecode, textLineToTensor } from './text.ts';
import { voiceSegments } from './voice-segments.ts';

export { isAudio } from './audio-values.ts';
export type { OperatorContext, OperatorItem, OperatorRun } from './operator.ts';
export { type ImageStatistics, imageStatistics } from './statistics.ts';
export { type Box, isRawImage, type Point, type Quad, type Text } from './values.ts';

export const operators = {
  'image.decode': decodeImage,
  'image.resize': resizeImage,
  'image.to-tensor': imageToTensor,
  'image.fit': fitImage,
  'image.to-grey-tensor': imageToGreyTensor,
  'classes.top': topClasses,
  'image.crop-quads': cropQuads,
  'dbnet.decode': dbnetDecode,
  'text-line.to-tensor': textLineToTensor,
  'ctc.decode': ctcDecode,
  'readings.collect': collectReadings,
  'audio.mix': mixAudio,
  'audio.resample': resampleAudio,
  'audio.frame': frameAudio,
  'audio.to-tensor': audioToTensor,
  'audio.log-mel': logMel,
  'audio.level': audioLevel,
  'voice.segments': voiceSegments,
  'tensor.slice': sliceTensor,
  'tensor.reshape': reshapeTensor,
  'tensor.transpose': transposeTensor,
  'tensor.concat': concatTensors,
  'tensor.softmax': softmaxTensor,
  'tensor.top-k': topKTensor,
  'tensor.argmax': argmaxTensor,
  'tensor.threshold': thresholdTensor,
  'tensor.cast': castTensor,
  'tensor.normalise': normaliseTensor,
  'tensor.to-json': tensorToJson,
  'tensor.constant': constantTensor,
} satisfies OperatorTable;
