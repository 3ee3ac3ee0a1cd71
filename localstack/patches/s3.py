"""S3: checksums that are told, ranges of versions, the version of what is older than versions."""

import importlib

from awscrt import checksums

from . import multipart
from .patching import expect, expect_functions, replace

FULL_OBJECT = "FULL_OBJECT"


def native_checksums(s3):
    """CRC-64/NVME and CRC-32C in native code: in Python they take half a second for a megabyte."""
    for name, check, native in (
        ("_crc64nvme", 0xAE8B14860A799888, checksums.crc64nvme),
        ("_crc32c", 0xE3069283, checksums.crc32c),
    ):
        expect_functions(s3, name)
        expect(native(b"123456789") == check == getattr(s3, name)(b"123456789"), f"{name} computes otherwise")
        replace(s3, name, ("body",), lambda _original, native=native: lambda body: native(bytes(body)))


def checksum_of_a_copy(s3):
    """CopyObject hashes the copied bytes when `x-amz-checksum-algorithm` asks, and returns the checksum.

    MiniStack stores a checksum only for the header of PutObject, beside the source's, and leaves the result without.
    """

    def make(copy_object):
        def copy_with_checksum(bucket, key, headers):
            algorithm = headers.get("x-amz-checksum-algorithm", "").upper().replace("_", "")
            if not algorithm:
                return copy_object(bucket, key, headers)
            status, answer, body = copy_object(bucket, key, {**headers, "x-amz-sdk-checksum-algorithm": algorithm})
            if status != 200:
                return status, answer, body
            stored = s3._buckets[bucket]["objects"][key]["checksums"]
            for other in stored.keys() - {algorithm}:
                del stored[other]
            result = multipart.checksum_elements(algorithm, stored[algorithm], FULL_OBJECT)
            return status, answer, multipart.append(body, b"</CopyObjectResult>", result)

        return copy_with_checksum

    replace(s3, "_copy_object", ("bucket_name", "dest_key", "headers"), make)


def checksum_of_a_put(s3):
    """PutObject returns the checksums that it has verified; MiniStack stores them and says nothing."""

    def make(put_object):
        def put_and_tell(bucket, key, body, headers):
            status, answer, content = put_object(bucket, key, body, headers)
            if status == 200:
                for algorithm, value in (s3._buckets[bucket]["objects"][key].get("checksums") or {}).items():
                    answer[f"x-amz-checksum-{algorithm.lower()}"] = value
                    answer["x-amz-checksum-type"] = FULL_OBJECT
            return status, answer, content

        return put_and_tell

    replace(s3, "_put_object", ("bucket_name", "key", "body", "headers"), make)


def range_of_a_version(s3):
    """GetObject honours `Range` and the `response-*` overrides with a `versionId` too.

    MiniStack answers 200 with the whole version.
    """
    expect_functions(s3, "_parse_range", "_apply_response_overrides", "_range_error_xml", "_xml_body")

    def make(get_object):
        def get_range(bucket, key, headers, query=None):
            status, answer, body = get_object(bucket, key, headers, query)
            if status != 200 or not (query or {}).get("versionId"):
                return status, answer, body
            s3._apply_response_overrides(answer, query)
            if not headers.get("range"):
                return status, answer, body
            size = len(body)
            bounds = s3._parse_range(headers["range"], size)
            if bounds is None:
                refusal = {"Content-Type": "application/xml", "Content-Range": f"bytes */{size}"}
                return 416, refusal, s3._xml_body(s3._range_error_xml(bucket, key))
            first, last = bounds
            # A checksum of the whole does not fit a slice.
            answer = {name: value for name, value in answer.items() if not name.startswith("x-amz-checksum")}
            answer["Content-Length"] = str(last - first + 1)
            answer["Content-Range"] = f"bytes {first}-{last}/{size}"
            return 206, answer, body[first : last + 1]

        return get_range

    replace(s3, "_get_object", ("bucket_name", "key", "headers", "query_params"), make)


def null_version(s3):
    """What was written before its bucket kept versions is the version `null`, and says so, be it the newest."""
    expect(hasattr(s3, "_bucket_versioning"), "s3._bucket_versioning is missing")

    def make(object_response_headers):
        def headers_with_version(obj, bucket_name="", key="", include_checksums=False):
            headers = object_response_headers(obj, bucket_name, key, include_checksums)
            if bucket_name in s3._bucket_versioning:
                headers.setdefault("x-amz-version-id", "null")
            return headers

        return headers_with_version

    replace(s3, "_object_response_headers", ("obj", "bucket_name", "key", "include_checksums"), make)


def patch():
    """S3 as AWS answers it."""
    s3 = importlib.import_module("ministack.services.s3")
    expect(hasattr(s3, "_buckets"), "s3._buckets is missing")
    native_checksums(s3)
    checksum_of_a_copy(s3)
    checksum_of_a_put(s3)
    range_of_a_version(s3)
    null_version(s3)
    multipart.patch(s3)
