/** Values on the inputs of a node, parameters of the pipeline -> values on its outputs; a function for each signature in shared. */

import { audioLevel, audioToTensor, frameAudio, mixAudio } from './audio.ts';
import { logMel } from './audio-log-mel.ts';
import { resampleAudio } from './audio-resample.ts';
import { blurRegions } from './blur-regions.ts';
import { topClasses } from './classes.ts';
import { colourImage } from './colour.ts';
import { boxesToDetections, detectionsToBoxes } from './convert-boxes.ts';
import { countLine } from './count-line.ts';
import { countZone } from './count-zone.ts';
import { cropDetections, cropImage } from './crop.ts';
import { dbnetDecode } from './dbnet.ts';
import { drawOverlay } from './draw.ts';
import { filterDetections } from './filter-detections.ts';
import { fitImage } from './fit.ts';
import { collectValues, delayValue, filterValue, mergeValues, switchValue, windowValues } from './flow.ts';
import { cropQuads, decodeImage, imageToGreyTensor, resizeImage } from './image.ts';
import { keypointsFromHeatmaps } from './keypoints.ts';
import { computeValue, constantValue, countList, filterList, firstOfList, flattenLists, mapList, sortList } from './list.ts';
import { detectionsToMask } from './mask.ts';
import { gateMotion, measureMotion } from './motion.ts';
import type { OperatorTable } from './operator.ts';
import { debounceFlow, passChanged, sampleFlow } from './pace.ts';
import { ssdDecode } from './ssd.ts';
import { measureImage } from './statistics.ts';
import { joinStreams } from './stream-join.ts';
import { suppressDetections } from './suppress.ts';
import { concatTensors, reshapeTensor, sliceTensor, transposeTensor } from './tensor-layout.ts';
import { argmaxTensor, softmaxTensor, thresholdTensor, topKTensor } from './tensor-scores.ts';
import { castTensor, constantTensor, normaliseTensor, tensorToJson } from './tensor-values.ts';
import { collectReadings, ctcDecode, textLineToTensor } from './text.ts';
import { imageToTensor } from './to-tensor.ts';
import { trackObjects } from './track-objects.ts';
import { turnImage } from './turn.ts';
import { voiceSegments } from './voice-segments.ts';
import { warpImage } from './warp-image.ts';
import { yoloDecode } from './yolo.ts';

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
  'image.crop': cropImage,
  'image.crop-detections': cropDetections,
  'image.warp': warpImage,
  'image.turn': turnImage,
  'image.colour': colourImage,
  'image.statistics': measureImage,
  'image.draw': drawOverlay,
  'image.blur-regions': blurRegions,
  'yolo.decode': yoloDecode,
  'ssd.decode': ssdDecode,
  'detections.nms': suppressDetections,
  'detections.filter': filterDetections,
  'detections.to-boxes': detectionsToBoxes,
  'detections.to-mask': detectionsToMask,
  'boxes.to-detections': boxesToDetections,
  'keypoints.from-heatmaps': keypointsFromHeatmaps,
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
  'audio.mix': mixAudio,
  'audio.resample': resampleAudio,
  'audio.frame': frameAudio,
  'audio.to-tensor': audioToTensor,
  'audio.log-mel': logMel,
  'audio.level': audioLevel,
  'voice.segments': voiceSegments,
} satisfies OperatorTable;
