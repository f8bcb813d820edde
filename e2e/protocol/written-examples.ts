/**
 * Examples of operators, sources and sinks that no pipeline of `examples/pipelines` uses, as they stand in a pipeline. A test puts each
 * into a pipeline of its own and checks that.
 */
export const writtenExamples: readonly string[] = [
  // Images
  'gate: { op: image.crop, params: { box: [ 0.25, 0.5, 0.75, 1 ], unit: share } }',
  'lane: { op: image.warp, params: { width: 640, height: 320, quad: [ [ 0.3, 0.4 ], [ 0.7, 0.4 ], [ 1, 1 ], [ 0, 1 ] ], unit: share } }',
  'upright: { op: image.turn, params: { degrees: 90 } }',
  'lighter: { op: image.colour, params: { channels: grey, gamma: 0.7 } }',
  'drawn: { op: image.draw, params: { lineWidth: 2, zones: [ [ [ 0.1, 0.6 ], [ 0.9, 0.6 ] ] ], zoneUnit: share } }',
  'hidden: { op: image.blur-regions, params: { mode: pixelate, cells: 4 } }',
  // Detections and boxes
  'found: { op: ssd.decode, params: { fit: { width: 300, height: 300 }, labels: [ nothing, person, car ], activation: softmax } }',
  'best: { op: detections.nms, params: { iouThreshold: 0.6, agnostic: true } }',
  'people: { op: detections.filter, params: { labels: [ person ], minimumScore: 0.6 } }',
  'corners: { op: detections.to-boxes }',
  'shape: { op: detections.to-mask, params: { invert: true } }',
  'lines: { op: boxes.to-detections, params: { label: line, turned: true } }',
  'pose: { op: keypoints.from-heatmaps, params: { fit: { width: 192, height: 256, mode: letterbox }, minimumKeypoints: 5 } }',
  'inside: { op: count.zone, params: { zones: [ { name: dock, polygon: [ [ 0, 0.5 ], [ 1, 0.5 ], [ 1, 1 ], [ 0, 1 ] ] } ], unit: share, dwellMs: 30000 } }',
  // The way of values
  "kind: { op: flow.switch, params: { cases: { large: 'value.area > 0.5', small: 'value.area > 0.1' } } }",
  'either: { op: flow.merge, join: any, params: { inputs: [ large, small ] } }',
  'before: { op: flow.delay, params: { initial: 0 } }',
  'minute: { op: flow.window, params: { ms: 60000, stepMs: 10000 } }',
  'both: { op: flow.collect, params: { inputs: [ left, right ] } }',
  'some: { op: flow.sample, params: { perSecond: 2 } }',
  'steady: { op: flow.debounce, params: { items: 5, stableMs: 1000 } }',
  'news: { op: flow.changed, params: { repeatMs: 60000 } }',
  // Lists and values
  'largest: { op: list.sort, params: { by: value.score, descending: true, count: 3 } }',
  'first: { op: list.first, params: { type: detections } }',
  'many: { op: list.count, params: { type: detections } }',
  'all: { op: list.flatten }',
  'place: { op: value.constant, params: { value: { site: oslo, gate: 7 } } }',
  // Tensors
  "boxes: { op: tensor.slice, params: { type: 'tensor<float32,[1,84,n]>', ranges: [ { axis: 1, end: 4 } ] } }",
  "flat: { op: tensor.reshape, params: { type: 'tensor<float32,[1,3,8,8]>', shape: [ 1, -1 ] } }",
  "rows: { op: tensor.transpose, params: { type: 'tensor<float32,[1,84,n]>', order: [ 0, 2, 1 ] } }",
  "joined: { op: tensor.concat, params: { types: [ 'tensor<float32,[1,80]>', 'tensor<float32,[1,40]>' ], axis: 1 } }",
  "shares: { op: tensor.softmax, params: { type: 'tensor<float32,[1,1000]>' } }",
  "top: { op: tensor.top-k, params: { type: 'tensor<float32,[1,1000]>', k: 5 } }",
  "best: { op: tensor.argmax, params: { type: 'tensor<float32,[1,1000]>' } }",
  "bright: { op: tensor.threshold, params: { type: 'tensor<float32,[1,1,h,w]>', threshold: 0.3 } }",
  "half: { op: tensor.cast, params: { type: 'tensor<float32,[1,1000]>', to: float16 } }",
  "scaled: { op: tensor.normalise, params: { type: 'tensor<uint8,[1,3,h,w]>', mean: [ 124, 116, 104 ], std: [ 58, 57, 57 ] } }",
  "told: { op: tensor.to-json, params: { type: 'tensor<float32,[1,5]>' } }",
  // Motion and sound
  'moved: { op: motion.measure, params: { threshold: 25, region: [ [ 0, 0.5 ], [ 1, 0.5 ], [ 1, 1 ], [ 0, 1 ] ] } }',
  'heard: { op: audio.log-mel, params: { mels: 80, log: whisper } }',
  // Sources
  'gate: { source: rtsp, params: { url: rtsp://192.168.1.30/stream1, credentials: gate-camera, framesPerSecond: 2 } }',
  'bench: { source: v4l2, params: { device: /dev/video0, width: 1280, height: 720, inputFormat: mjpeg } }',
  'phone: { source: camera, params: { facing: user, framesPerSecond: 5 } }',
  'posted: { source: http, params: { name: gate, wait: false } }',
  "doors: { source: mqtt, params: { url: mqtts://broker.example:8883, credentials: site-broker, topic: 'doors/+/state', streamPerTopic: true } }",
  'clock: { source: timer, params: { everyMs: 60000 } }',
  "room: { source: audio, params: { device: 'alsa:default', sampleRateHz: 16000, chunkMs: 96 } }",
  // Sinks
  "out: { sink: mqtt, params: { url: mqtts://broker.example:8883, credentials: site-broker, topic: 'signs/{device}' } }",
  'hook: { sink: webhook, params: { url: https://desk.example/signs, signature: desk } }',
  "home: { sink: home-assistant, params: { url: mqtt://homeassistant.local, entities: { people: { kind: sensor, valueTemplate: '{{ value_json.people }}' } } } }",
];
