"""
Makes tracks-reference.json: a scene of boxes that cross, hide and tremble, and what a tracker written apart from ours, with whole
matrices, makes of it. NumPy 2.4 and SciPy 1.17; run it in this folder.

Filter: state (x, y, w, h and their speeds), F, Q, R as matrices of 8 and 4. Matching: BYTE (Zhang et al. 2022, algorithm 1) over
scipy.optimize.linear_sum_assignment, gaining IoU above the threshold.
"""

import json

import numpy as np
from scipy.optimize import linear_sum_assignment

FPS = 30
PARAMS = dict(high=0.5, low=0.1, new=0.6, iou=0.2, iou_low=0.5, iou_new=0.3, hits=2, age_ms=1000)


def scene():
    """Frames of detections: two cross, one is hidden for a while, one fades, one is of another class in the same place; some noise."""
    random = np.random.default_rng(5)
    frames = []
    time = 1_750_000_000_000
    for frame in range(90):
        time += 40 if random.random() > 0.1 else 120  # frames that were dropped on the way
        seconds = (time - 1_750_000_000_000) / 1000
        things = [
            (50 + 60 * seconds, 200, 40, 80, 0, 0.9),
            (400 - 70 * seconds, 215, 44, 84, 0, 0.85),
            (300, 40 + 30 * seconds, 60, 50, 0, 0.2 if 30 < frame < 42 else 0.8),
            (120 + 25 * seconds, 420, 70, 70, 1, 0.95),
            (122 + 25 * seconds, 424, 66, 72, 0, 0.7),
        ]
        hidden = {3} if 50 <= frame < 60 else set()
        detections = []
        for index, (x, y, w, h, kind, score) in enumerate(things):
            if index in hidden:
                continue
            cx, cy, w, h = np.array([x, y, w, h]) + random.normal(0, 1.2, 4)
            detections.append(dict(box=[cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], score=score + random.uniform(-0.03, 0.03), **{"class": kind}))
        if random.random() < 0.15:
            x, y = random.uniform(0, 500, 2)
            detections.append(dict(box=[x, y, x + 40, y + 40], score=0.75, **{"class": 0}))
        random.shuffle(detections)
        for detection in detections:
            detection["box"] = [round(float(at), 3) for at in detection["box"]]
            detection["score"] = round(float(detection["score"]), 4)
        frames.append(dict(timeMs=time, detections=detections))
    return frames


class Track:
    def __init__(self, detection, time):
        z = measure(detection["box"])
        self.size = np.maximum(1, np.tile(z[2:], 2))
        self.mean = np.concatenate([z, np.zeros(4)])
        place, speed = self.size / 20, self.size * FPS / 160
        self.covariance = np.diag(np.concatenate([(2 * place) ** 2, (10 * speed) ** 2]))
        self.kind, self.id, self.hits, self.missed, self.seen = detection["class"], None, 1, 0, time

    def predict(self, dt):
        F = np.eye(8)
        F[:4, 4:] = dt * np.eye(4)
        place, speed = FPS * (self.size / 20) ** 2, FPS * (self.size * FPS / 160) ** 2
        Q = np.zeros((8, 8))
        Q[:4, :4] = np.diag(place * dt + speed * dt**3 / 3)
        Q[:4, 4:] = Q[4:, :4] = np.diag(speed * dt**2 / 2)
        Q[4:, 4:] = np.diag(speed * dt)
        self.mean = F @ self.mean
        self.covariance = F @ self.covariance @ F.T + Q

    def update(self, detection, time):
        H = np.eye(4, 8)
        S = H @ self.covariance @ H.T + np.diag((self.size / 20) ** 2)
        K = self.covariance @ H.T @ np.linalg.inv(S)
        self.mean = self.mean + K @ (measure(detection["box"]) - H @ self.mean)
        self.covariance = (np.eye(8) - K @ H) @ self.covariance
        self.size = np.maximum(1, np.tile(self.mean[2:4], 2))
        self.hits, self.missed, self.seen = self.hits + 1, 0, time

    def miss(self):
        self.missed += 1
        self.mean[6:] = 0
        for side in (2, 3):
            self.covariance[side, side + 4] = self.covariance[side + 4, side] = 0

    def box(self):
        x, y, w, h = self.mean[:4]
        return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def measure(box):
    left, top, right, bottom = box
    return np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def match(tracks, detections, least):
    if not tracks or not detections:
        return [], tracks, detections
    gain = np.array([[max(0, overlap(t.box(), d["box"]) - least) if t.kind == d["class"] else 0 for d in detections] for t in tracks])
    pairs = [(i, j) for i, j in zip(*linear_sum_assignment(gain, maximize=True)) if gain[i, j] > 0]
    rows, columns = {i for i, _ in pairs}, {j for _, j in pairs}
    return (
        [(tracks[i], detections[j]) for i, j in pairs],
        [t for i, t in enumerate(tracks) if i not in rows],
        [d for j, d in enumerate(detections) if j not in columns],
    )


def run(frames):
    tracks, before, next_id, answers = [], None, 1, []
    for frame in frames:
        time, detections = frame["timeMs"], frame["detections"]
        tracks = [t for t in tracks if time - t.seen <= PARAMS["age_ms"]]
        for track in tracks:
            track.predict(0 if before is None else (time - before) / 1000)
        before = time
        high = [d for d in detections if d["score"] >= PARAMS["high"]]
        low = [d for d in detections if PARAMS["low"] <= d["score"] < PARAMS["high"]]
        known, tentative = [t for t in tracks if t.id], [t for t in tracks if not t.id]
        first, left, rest = match(known, high, PARAMS["iou"])
        second, _, _ = match([t for t in left if t.missed == 0], low, PARAMS["iou_low"])
        third, _, rest = match(tentative, rest, PARAMS["iou_new"])
        pairs = first + second + third
        for track, detection in pairs:
            track.update(detection, time)
        for track in known:
            if all(track is not t for t, _ in pairs):
                track.miss()
        # Ids in the order of the scores, as those of tracks that begin together.
        begun = sorted((d for d in rest if d["score"] >= PARAMS["new"]), key=lambda d: -d["score"])
        tracks = known + [t for t, _ in third] + [Track(d, time) for d in begun]
        for track in tracks:
            if track.id is None and track.hits >= PARAMS["hits"]:
                track.id, next_id = next_id, next_id + 1
        answers.append(
            {str(next(i for i, d in enumerate(detections) if d is detection)): [track.id, *(round(float(at), 6) for at in track.box())]
             for track, detection in pairs if track.id}
        )
    return answers


frames = scene()
result = dict(origin="tracks_reference.py", frames=[dict(**frame, tracks=answer) for frame, answer in zip(frames, run(frames))])
with open("tracks-reference.json", "w") as file:
    file.write('{"origin": "tracks_reference.py", "frames": [\n')
    file.write(",\n".join(json.dumps(frame) for frame in result["frames"]))
    file.write("\n]}\n")
print({track[0] for frame in result["frames"] for track in frame["tracks"].values()})
