/** Values on the inputs of a node, parameters of the pipeline -> values on its outputs; a function for each signature in shared. */
import { topClasses } from './classes.ts';
import { countLine } from './count-line.ts';
import { countZone } from './count-zone.ts';
import { dbnetDecode } from './dbnet.ts';
import { debounceFlow, passChanged, sampleFlow } from './flow.ts';
import { cropQuads, decodeImage, fitImage, imageToGreyTensor, imageToTensor, resizeImage } from './image.ts';
import { gateMotion, measureMotion } from './motion.ts';
import type { OperatorTable } from './operator.ts';
import { concatTensors, reshapeTensor, sliceTensor, transposeTensor } from './tensor-layout.ts';
import { argmaxTensor, softmaxTensor, thresholdTensor, topKTensor } from './tensor-scores.ts';
import { castTensor, constantTensor, normaliseTensor, tensorToJson } from './tensor-values.ts';
import { collectReadings, ctcDecode, textLineToTensor } from './text.ts';
import { trackObjects } from './track-objects.ts';

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
  'track.objects': trackObjects,
  'count.line': countLine,
  'count.zone': countZone,
  'motion.gate': gateMotion,
  'motion.measure': measureMotion,
  'flow.sample': sampleFlow,
  'flow.debounce': debounceFlow,
  'flow.changed': passChanged,
} satisfies OperatorTable;
