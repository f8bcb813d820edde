/** Values on the inputs of a node, parameters of the pipeline -> values on its outputs; a function for each signature in shared. */
import { topClasses } from './classes.ts';
import { dbnetDecode } from './dbnet.ts';
import { collectValues, delayValue, filterValue, mergeValues, switchValue, windowValues } from './flow.ts';
import { cropQuads, decodeImage, fitImage, imageToGreyTensor, imageToTensor, resizeImage } from './image.ts';
import { computeValue, constantValue, countList, filterList, firstOfList, flattenLists, mapList, sortList } from './list.ts';
import type { OperatorTable } from './operator.ts';
import { joinStreams } from './stream-join.ts';
import { collectReadings, ctcDecode, textLineToTensor } from './text.ts';

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
  'flow.filter': filterValue,
  'flow.switch': switchValue,
  'flow.merge': mergeValues,
  'flow.delay': delayValue,
  'flow.window': windowValues,
  'flow.collect': collectValues,
  'stream.join': joinStreams,
  'list.filter': filterList,
  'list.map': mapList,
  'list.sort': sortList,
  'list.first': firstOfList,
  'list.count': countList,
  'list.flatten': flattenLists,
  'value.compute': computeValue,
  'value.constant': constantValue,
} satisfies OperatorTable;
