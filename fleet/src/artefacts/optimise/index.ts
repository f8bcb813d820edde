/** An ONNX model -> the same function in a newer opset, with fewer nodes and free dimensions, in portable operators. */
export { type OptimiseOptions, type OptimiseReport, optimiseModel } from './optimise-model.ts';
