"""S3 multipart uploads: AWS's limits on parts, and checksums of the full object."""

import contextvars
import re

from .patching import expect, expect_functions, replace

MIN_PART = 5 * 1024 * 1024
PART_NUMBER = re.compile(rb"<PartNumber>\s*(\d+)\s*</PartNumber>")
UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")

# The checksum that the upload being completed in this context must have.
full_checksum = contextvars.ContextVar("full_checksum", default=None)


def checksum_elements(algorithm, value, kind):
    """The elements that tell a checksum in a result."""
    return f"<Checksum{algorithm}>{value}</Checksum{algorithm}><ChecksumType>{kind}</ChecksumType>"


def append(body, end, elements):
    """Puts elements before the closing tag `end` of a result."""
    expect(body.endswith(end), f"a result does not end in {end}")
    return body.removesuffix(end) + elements.encode() + end


def parts_within_limits(s3):
    """CompleteMultipartUpload refuses parts out of order, and parts but the last below 5 MiB."""

    def refusal(upload, numbers):
        if any(later <= earlier for earlier, later in zip(numbers, numbers[1:])):
            return "InvalidPartOrder", "The list of parts was not in ascending order."
        sizes = [upload["parts"][number]["size"] for number in numbers[:-1] if number in upload["parts"]]
        if any(size < MIN_PART for size in sizes):
            return "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"
        return None

    def make(complete):
        def complete_within_limits(bucket, key, body, query, headers=None):
            upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
            refused = upload and refusal(upload, [int(number) for number in PART_NUMBER.findall(body)])
            if refused:
                return s3._error(*refused, 400, f"/{bucket}/{key}")
            return complete(bucket, key, body, query, headers)

        return complete_within_limits

    replace(s3, "_complete_multipart_upload", ("bucket_name", "key", "body", "query_params", "headers"), make)


def full_object_uploads(s3):
    """CreateMultipartUpload knows `FULL_OBJECT`, which is all that CRC-64/NVME can be and what SHA cannot."""

    def make(create):
        def create_of_kind(bucket, key, headers):
            algorithm = (headers.get("x-amz-checksum-algorithm") or "").upper().replace("_", "")
            full = algorithm == "CRC64NVME" or headers.get("x-amz-checksum-type", "").upper() == "FULL_OBJECT"
            if full and algorithm.startswith("SHA"):
                message = f"The FULL_OBJECT checksum type cannot be used with the {algorithm.lower()} algorithm."
                return s3._error("InvalidRequest", message, 400, f"/{bucket}/{key}")
            status, answer, body = create(bucket, key, headers)
            if status == 200 and algorithm and full:
                upload_id = UPLOAD_ID.search(body).group(1).decode()
                s3._multipart_uploads[upload_id]["full_object"] = True
                answer["x-amz-checksum-type"] = "FULL_OBJECT"
            return status, answer, body

        return create_of_kind

    replace(s3, "_create_multipart_upload", ("bucket_name", "key", "headers"), make)


def full_object_checksums(s3):
    """CompleteMultipartUpload checks, stores and returns the checksum of all bytes for such an upload.

    MiniStack only knows composites. It computes one after it has checked the parts; here it is given the other value.
    """

    def compute(upload, body):
        numbers = sorted({int(number) for number in PART_NUMBER.findall(body)})
        whole = b"".join(upload["parts"][number]["body"] for number in numbers if number in upload["parts"])
        return s3._compute_s3_checksum(upload["checksum_algorithm"], whole)

    def make_composite(composite):
        return lambda algorithm, parts: full_checksum.get() or composite(algorithm, parts)

    def make_complete(complete):
        def complete_full_object(bucket, key, body, query, headers=None):
            upload_id = s3._qp(query, "uploadId")
            upload = s3._multipart_uploads.get(upload_id)
            if not upload or not upload.get("full_object"):
                return complete(bucket, key, body, query, headers)
            mark = full_checksum.set(compute(upload, body))
            try:
                status, answer, result = complete(bucket, key, body, query, headers)
            finally:
                full_checksum.reset(mark)
            if status == 200:
                s3._buckets[bucket]["objects"][key]["checksum_type"] = "FULL_OBJECT"
                result = result.replace(b">COMPOSITE<", b">FULL_OBJECT<")
                s3._completed_multipart_uploads[upload_id]["response"] = (status, answer, result)
            return status, answer, result

        return complete_full_object

    replace(s3, "_composite_checksum", ("algorithm", "part_checksums"), make_composite)
    parameters = ("bucket_name", "key", "body", "query_params", "headers")
    replace(s3, "_complete_multipart_upload", parameters, make_complete)


def checksum_of_a_copied_part(s3):
    """UploadPartCopy computes and returns the upload's checksum for the part."""

    def make(copy_part):
        def copy_part_with_checksum(bucket, key, query, headers):
            status, answer, body = copy_part(bucket, key, query, headers)
            upload = s3._multipart_uploads.get(s3._qp(query, "uploadId")) if status == 200 else None
            algorithm = upload and upload.get("checksum_algorithm")
            if not algorithm:
                return status, answer, body
            part = upload["parts"][int(s3._qp(query, "partNumber", "1"))]
            value = s3._compute_s3_checksum(algorithm, part["body"])
            part["checksums"] = {algorithm: value}
            element = f"<Checksum{algorithm}>{value}</Checksum{algorithm}>"
            return status, answer, append(body, b"</CopyPartResult>", element)

        return copy_part_with_checksum

    replace(s3, "_upload_part_copy", ("bucket_name", "dest_key", "query_params", "headers"), make)


def patch(s3):
    """Multipart uploads as AWS takes them."""
    expect_functions(s3, "_compute_s3_checksum", "_error", "_qp")
    for name in ("_multipart_uploads", "_completed_multipart_uploads"):
        expect(hasattr(s3, name), f"s3.{name} is missing")
    full_object_uploads(s3)
    full_object_checksums(s3)
    checksum_of_a_copied_part(s3)
    parts_within_limits(s3)
