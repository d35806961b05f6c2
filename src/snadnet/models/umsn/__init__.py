"""UMSN, the uncertainty-guided multi-stream semantic network (Yasarla et al. 2020, IEEE TIP)."""

from snadnet.models.umsn.config import SIZE_MULTIPLE, UMSN_CPU, UMSN_PAPER, UMSNConfig
from snadnet.models.umsn.network import UMSN, UMSNOutput

__all__ = ["SIZE_MULTIPLE", "UMSN", "UMSN_CPU", "UMSN_PAPER", "UMSNConfig", "UMSNOutput"]
