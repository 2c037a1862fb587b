"""All commands of `gfmn`: what each does, its module, and examples."""

COMMANDS = {  # name: (what it does, module)
    "new": ("make a study of your own images", "gfmn.commands.new"),
    "estimate": ("measure what a study will take on this machine", "gfmn.commands.estimate"),
    "run": ("build a study: train, score, report", "gfmn.commands.run"),
    "add": ("add a run, data, a network or an evaluator to a study", "gfmn.commands.add"),
    "status": ("say what of a study is there, and what it came to", "gfmn.commands.status"),
    "open": ("open a study's report", "gfmn.commands.open"),
    "merge": ("merge the statistics of shards into one file", "gfmn.commands.merge"),
    "track": ("send a study's histories to an experiment tracker", "gfmn.commands.track"),
    "doctor": ("say what this machine has and what is missing", "gfmn.commands.doctor"),
    "check": ("check a study's params.yaml", "gfmn.inference.check"),
    "sample": ("make random images: PNGs, an array, or a grid", "gfmn.inference.sample"),
    "interpolate": ("make images between samples: a grid or a GIF", "gfmn.inference.interpolate"),
    "export": ("write a generator as an ONNX file, or as a page", "gfmn.inference.onnx_export"),
    "card": ("write the model card of a run", "gfmn.inference.model_card"),
    "score": ("score images against real images", "gfmn.inference.score"),
    "compare": ("compare the scores of two studies", "gfmn.reporting.compare"),
    "space": ("make an evaluator of a network", "gfmn.inference.space"),
    "import": ("convert a published checkpoint to an extractor file", "gfmn.weights.command"),
    "search": ("train a run with other parameters and score each", "gfmn.inference.search"),
    "sweep": ("make an experiment of each value of a run's parameters", "gfmn.commands.sweep"),
}
WITHOUT_JSON = ("import",)

EXAMPLES = {  # the first of each is in `gfmn --help`
    "new": """\
gfmn new cats --images photos/cats
gfmn new cats --images photos/cats --size 64 --profile good
gfmn new svhn --images torchvision:SVHN""",
    "estimate": """\
gfmn estimate --study cats
gfmn estimate fast --json""",
    "run": """\
gfmn run --study cats --set steps=3000
gfmn run fast slow
gfmn run --verbose""",
    "add": """\
gfmn add run slower lr=1e-3 seeds=[0,1,2]
gfmn add run deep --like fast extractor=vgg19
gfmn add data cats photos/cats --size 64
gfmn add network vgg19
gfmn add evaluator inception
gfmn add evaluator vgg16 spaces/vgg16.safetensors""",
    "status": """\
gfmn status
gfmn status --study cats --json""",
    "open": "gfmn open --study cats",
    "merge": "gfmn merge a.safetensors b.safetensors --dataset both --out both.safetensors",
    "track": """\
gfmn track cats --to tensorboard
gfmn track cats --to wandb --follow""",
    "doctor": """\
gfmn doctor
gfmn doctor --json""",
    "check": """\
gfmn check
gfmn check --study cats --quiet && echo right""",
    "sample": """\
gfmn sample data/models/vgg16 --count 1000 --out images/
gfmn sample data/models/vgg16 --seed 7 --out grid.png
gfmn sample data/models/vgg16 --count 5000 --out samples.npy
gfmn sample data/models/vgg16 --format png --out - > grid.png""",
    "interpolate": """\
gfmn interpolate data/models/vgg16 --out loop.gif
gfmn interpolate data/models/vgg16 --rows 4 --out rows.png""",
    "export": "gfmn export data/models/vgg16 generator.onnx",
    "card": """\
gfmn card vgg16 --out MODEL_CARD.md
gfmn card vgg16 --seed 3 --out -""",
    "score": """\
gfmn score images/ photos/ --evaluator lite0
gfmn score samples.npy photos/ --evaluator spaces/vgg16.safetensors --json""",
    "compare": """\
gfmn compare . .@main
gfmn compare cats dogs --all""",
    "space": """\
gfmn space vgg16 --resize 64 --out spaces/vgg16.safetensors
gfmn space data/extractors/encoder.safetensors --out spaces/encoder.safetensors""",
    "import": "gfmn import vgg19.pth --out weights/vgg19.safetensors",
    "search": "gfmn search vgg16 --steps 200 lr=5e-4,1e-3 ama.rate=1e-3,1e-2",
    "sweep": """\
gfmn sweep cats --set lr=1e-4,1e-3 --seeds 5
gfmn sweep --run vgg16 --set lr=1e-4,1e-3 --set ama.rate=1e-3,1e-2 --dry-run
gfmn sweep cats --set lr=1e-4,1e-3 --seeds 5 --on slurm --minutes 120 --slurm partition=gpu --gpus 1
gfmn sweep cats --status""",
}
