namespace VendorReport;

/// <summary>Who makes a GPU.</summary>
internal enum Vendor
{
    /// <summary>AMD, compiled by RADV.</summary>
    Amd,
    /// <summary>Intel, compiled by ANV.</summary>
    Intel,
    /// <summary>NVIDIA, compiled by NVK.</summary>
    Nvidia,
}

/// <summary>
/// A GPU to compile for that need not be there: AMD's driver makes a device of any family by itself, Intel's and NVIDIA's open a fake
/// kernel device (Mesa's drm-shim) of the model that a variable names.
/// </summary>
/// <param name="Id">Short name, as on the command line.</param>
/// <param name="Vendor">Which driver.</param>
/// <param name="Name">Generation, and cards of it.</param>
/// <param name="Model">Value of the variable.</param>
/// <param name="Architecture">What its occupancy is computed from.</param>
internal sealed record Target(string Id, Vendor Vendor, string Name, string Model, Architecture Architecture)
{
    /// <summary>Every target, in the order of the report.</summary>
    public static IReadOnlyList<Target> All { get; } =
    [
        new("polaris10", Vendor.Amd, "GCN 4: RX 470-590", "POLARIS10", Architecture.Polaris),
        new("vega10", Vendor.Amd, "GCN 5: Vega 56, 64", "VEGA10", Architecture.Vega),
        new("navi10", Vendor.Amd, "RDNA 1: RX 5600, 5700", "NAVI10", Architecture.Rdna1),
        new("navi21", Vendor.Amd, "RDNA 2: RX 6000", "NAVI21", Architecture.Rdna2),
        new("gfx1100", Vendor.Amd, "RDNA 3: RX 7900", "GFX1100", Architecture.Rdna3),
        new("skl", Vendor.Intel, "Gen 9: HD 5xx, UHD 6xx", "skl", Architecture.Gen9),
        new("tgl", Vendor.Intel, "Xe: Iris Xe", "tgl", Architecture.Xe),
        new("dg2", Vendor.Intel, "Xe-HPG: Arc A-series", "dg2", Architecture.XeHpg),
        new("mtl", Vendor.Intel, "Xe-LPG: Meteor Lake", "mtl", Architecture.XeHpg),
        new("lnl", Vendor.Intel, "Xe2: Lunar Lake", "lnl", Architecture.Xe2),
        new("bmg", Vendor.Intel, "Xe2: Arc B-series (Battlemage)", "bmg", Architecture.Xe2),
        new("turing", Vendor.Nvidia, "RTX 20, GTX 16", "164", Architecture.Turing),
        new("ampere", Vendor.Nvidia, "RTX 30", "174", Architecture.Ampere),
        new("ada", Vendor.Nvidia, "RTX 40", "194", Architecture.Ada),
    ];

    /// <summary>True where the installed Mesa is enough.</summary>
    public bool NeedsTree => Vendor != Vendor.Amd;

    /// <summary>What tells the driver the model.</summary>
    public string Variable => Vendor switch { Vendor.Amd => "RADV_FORCE_FAMILY", Vendor.Intel => "INTEL_STUB_GPU_PLATFORM",
        Vendor.Nvidia => "NOUVEAU_CHIPSET", _ => throw new InvalidOperationException() };

    /// <summary>The driver's name in Mesa's ICD files.</summary>
    public string Driver => Vendor switch { Vendor.Amd => "radeon", Vendor.Intel => "intel", Vendor.Nvidia => "nouveau",
        _ => throw new InvalidOperationException() };
}
