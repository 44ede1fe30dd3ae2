def test_it(client, empty_client):
    import json
    for u in ["/v1/stations?limit=1","/v1/stations?limit=1&format=geojson","/v1/stations?limt=1&limit=1","/v1/areas?geometry=true&simplify_m=100&level=city","/v1/areas/9001","/v1/datasets","/v1/datasets/99","/v1/stations/S-01","/v1/stations?district=900101","/nope","/v1/stations/","/readyz","/healthz","/docs","/", "/v1/stations?open_on=x&limit=0&type=zz&bbox=1,2"]:
        r = client.get(u); print(u, r.status_code, dict(r.headers)); print(r.text[:700])
    for u in ["/v1/stations", "/v1/areas", "/v1/areas?level=town","/readyz"]:
        r = empty_client.get(u); print(u, r.status_code, r.text[:500])
    r = client.put("/v1/stations"); print(r.status_code, r.headers, r.text)
    r = client.head("/v1/stations"); print(r.status_code, r.headers, r.text)
    r = client.post("/v1/stations", content=b"x"*3_000_000); print(r.status_code, r.headers, r.text)
