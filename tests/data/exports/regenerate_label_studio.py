"""Write ``label_studio/`` by Label Studio's own server: it is started here, and ends with the script.

``pip install label-studio==1.23.2`` (with label-studio-sdk 2.1.2), ``python regenerate_label_studio.py``. Pictures are
uploaded, annotations sent as its window sends them, masks encoded by its own encoder, and both its JSON exports
fetched. Identifiers, dates and the first eight letters of file names are others each time.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import numpy as np
from label_studio_sdk.converter import brush
from pictures import HEIGHT, WIDTH, save_picture, stairs

FOLDER = Path(__file__).parent / "label_studio"
PORT, TOKEN = 8097, "0123456789abcdef0123456789abcdef01234567"
CONFIG = """<View><Image name="image" value="$image"/>
  <RectangleLabels name="box" toName="image"><Label value="zebra"/><Label value="apple"/></RectangleLabels>
  <PolygonLabels name="polygon" toName="image"><Label value="apple"/></PolygonLabels>
  <EllipseLabels name="ellipse" toName="image"><Label value="zebra"/></EllipseLabels>
  <BrushLabels name="brush" toName="image"><Label value="traffic light"/></BrushLabels>
  <KeyPointLabels name="joint" toName="image"><Label value="nose"/><Label value="tail"/></KeyPointLabels>
</View>"""


def region(kind, label, parent=None, number=0, **value):
    """Return a region as the window sends it: places and lengths in percent of the width and of the height."""
    control = {"keypointlabels": "joint", "rectanglelabels": "box"}.get(kind, kind.removesuffix("labels"))
    result = {
        "id": f"region{number:04d}",
        "from_name": control,
        "to_name": "image",
        "type": kind,
        "origin": "manual",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": {**value, kind: [label]},
    }
    return result if parent is None else {**result, "parentID": parent}


def percent(x, y):
    return {"x": 100 * x / WIDTH, "y": 100 * y / HEIGHT}


def lengths(width, height):
    return {"width": 100 * width / WIDTH, "height": 100 * height / HEIGHT}


def corners(points):
    return [list(percent(x, y).values()) for x, y in points]


ANNOTATIONS = {
    "one.png": [
        region("rectanglelabels", "zebra", **percent(4, 3), **lengths(12, 6), rotation=0),
        region("keypointlabels", "nose", "region0000", 1, **percent(5, 4), width=0.5),
        region("keypointlabels", "tail", "region0000", 2, **percent(15, 8.5), width=0.5),
        region("rectanglelabels", "apple", number=3, **percent(30, 4), **lengths(10, 6), rotation=90),
    ],
    "two words.png": [
        region("brushlabels", "traffic light", format="rle", rle=brush.mask2rle(np.uint8(stairs()) * 255)),
        region("polygonlabels", "apple", number=1, points=corners([(20, 4), (30, 4), (25, 20)]), closed=True),
        region("ellipselabels", "zebra", number=2, **percent(34, 12), radiusX=10.0, radiusY=25.0, rotation=0),
    ],
    "empty.png": [],
    "cancelled.png": [],
    "waiting.png": None,
}


def call(path, content=None, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", content)
    request.add_header("Authorization", f"Token {TOKEN}")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def post(path, content):
    return call(path, json.dumps(content).encode(), Content_Type="application/json")


def upload(project, path):
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
    head += "Content-Type: image/png\r\n\r\n"
    content = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    call(f"/api/projects/{project}/import", content, Content_Type=f"multipart/form-data; boundary={boundary}")


def start(folder):
    environment = {
        **os.environ,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
    }
    command = [Path(sys.executable).with_name("label-studio"), "start", "--no-browser", "--port", str(PORT)]
    command += ["--data-dir", folder, "--username", "someone@example.org", "--password", uuid.uuid4().hex]
    return subprocess.Popen([*command, "--user-token", TOKEN], env=environment)


def wait_for_server():
    for _ in range(100):
        try:
            return call("/api/projects")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(3)
    raise SystemExit("the server did not start")


def make_exports():
    project = post("/api/projects", {"title": "tiny", "label_config": CONFIG})["id"]
    pictures = {}
    for number, name in enumerate(ANNOTATIONS):
        path = Path(tempfile.mkdtemp()) / name
        save_picture(path, number)
        upload(project, path)
        pictures[name] = path
    tasks = call(f"/api/tasks?project={project}&fields=all")["tasks"]
    for task in tasks:
        stored = task["data"]["image"].rpartition("/")[2]
        name = stored.partition("-")[2].replace("_", " ")
        results = ANNOTATIONS[name]
        if results is not None:
            post(f"/api/tasks/{task['id']}/annotations", {"result": results, "was_cancelled": name == "cancelled.png"})
        shutil.copy(pictures[name], FOLDER / "images" / stored)
    for kind in ("JSON", "JSON_MIN"):
        answer = call(f"/api/projects/{project}/export?exportType={kind}&download_all_tasks=true")
        path = FOLDER / ("export.json" if kind == "JSON" else "min.json")
        path.write_text(json.dumps(answer) + "\n", encoding="utf-8")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "images").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        server = start(folder)
        try:
            wait_for_server()
            make_exports()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
