"""The servers that every other test stands on."""

import boto3
import httpx
import psycopg

from cutroom.settings import Settings


def test_the_test_servers_answer(settings: Settings) -> None:
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        assert connection.execute("select count(*) from jobs").fetchone() == (0,)
    store = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        region_name=settings.s3_region,
    )
    store.put_object(Bucket=settings.s3_bucket, Key="a/b", Body=b"x")
    assert httpx.get(f"http://127.0.0.1:{settings.temporal_ui_port}/api/v1/namespaces/default").status_code == 200
