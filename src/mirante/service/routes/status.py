"""Health, readiness and metrics."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from mirante.errors import ServiceError, StoreError
from mirante.search import generations
from mirante.service.auth import guarded
from mirante.service.desk import AtDesk
from mirante.service.documents import Health, refusals
from mirante.service.metrics import Labels

public = APIRouter(tags=["status"])
router = APIRouter(tags=["status"], dependencies=[guarded("metrics")], responses=refusals(401, 403))


@public.get("/healthz")
async def health() -> Health:
    """Whether the process answers at all."""
    return Health(status="ok")


@public.get("/readyz", responses=refusals(503))
def readiness(desk: AtDesk) -> Health:
    """Whether requests may be sent here: every index is on its disk and every model works."""
    for one in desk.shelf:
        try:
            generations.read(one.gallery.folder)
        except StoreError as error:
            raise ServiceError(503, "not-ready", f"The index {one.name!r} cannot be read: look at the log.") from error
        if not one.encoder.working:
            raise ServiceError(503, "not-ready", f"The model of {one.name!r} has ended: start the service again.")
    return Health(status="ready")


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, desk: AtDesk) -> Any:
    """Counters in Prometheus's text format."""
    under_way = request.state.under_way
    gauges: dict[tuple[str, Labels], float] = {("mirante_requests_under_way", ()): float(under_way)}
    for one in desk.shelf:
        gauges["mirante_waiting_items", (("index", one.name),)] = float(one.encoder.waiting)
        gauges["mirante_index_rows", (("index", one.name),)] = float(len(one.gallery))
    return PlainTextResponse(desk.metrics.text(gauges), media_type="text/plain; version=0.0.4")
