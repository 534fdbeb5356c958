"""What the subject tax adds to the invoicing service."""

from services.invoicing.tax.routes import tax_reads, tax_router
from shared.framework.process.feature import Feature

TAX = Feature(routers=[tax_router(), tax_reads()])
