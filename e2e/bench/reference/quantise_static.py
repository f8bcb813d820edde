"""onnxruntime's own static quantiser on the models and the calibration samples that `rivals.ts samples FOLDER` wrote.

pip install onnxruntime==1.32.0 onnx==1.23.2 sympy && python quantise_static.py FOLDER
FOLDER/MODEL/{source.onnx, 0.npy, 1.npy ...} -> FOLDER/MODEL/VARIANT.onnx, FOLDER/versions.json
"""
import json
import platform
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Samples(CalibrationDataReader):
    def __init__(self, folder: Path, name: str):
        files = sorted(folder.glob("*.npy"), key=lambda file: int(file.stem))
        self.left = iter([{name: numpy.load(file)} for file in files])

    def get_next(self):
        return next(self.left, None)


VARIANTS = {
    "default": {},
    "reduce-range": {"reduce_range": True},
    "reduce-range-convolutions": {"reduce_range": True, "op_types_to_quantize": ["Conv"]},
}

folder = Path(sys.argv[1])
wanted = sys.argv[2:]
for model in sorted(path.parent for path in folder.glob("*/source.onnx")):
    if wanted and model.name not in wanted:
        continue
    prepared = model / "prepared.onnx_"
    # Symbolic shapes of the text models cannot be inferred to the end.
    quant_pre_process(str(model / "source.onnx"), str(prepared), skip_symbolic_shape=True)
    name = onnx.load(str(prepared)).graph.input[0].name
    for variant, options in VARIANTS.items():
        print(model.name, variant, flush=True)
        quantize_static(
            str(prepared),
            str(model / f"{variant}.onnx"),
            Samples(model, name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            **options,
        )
versions = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "numpy": numpy.__version__, "python": platform.python_version()}
(folder / "versions.json").write_text(json.dumps(versions))
