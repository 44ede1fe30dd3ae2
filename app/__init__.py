"""羊城技能地图: the Yangcheng Skills Map."""

__version__ = "0.1.0"
