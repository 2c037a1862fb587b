# docker build -t gfmn . && docker run --rm -v "$PWD":/work gfmn new mine --images photos
FROM python:3.12-slim
RUN apt-get update && apt-get install --yes --no-install-recommends g++ git \
    && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN pip install --no-cache-dir --require-hashes --requirement /src/requirements.txt \
    && pip install --no-cache-dir --no-deps --no-build-isolation /src
WORKDIR /work
ENTRYPOINT ["gfmn"]
