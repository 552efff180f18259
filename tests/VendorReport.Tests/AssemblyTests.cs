namespace VendorReport.Tests;

/// <summary>Reading of the three kinds of assembly: blocks, loops, what a pass costs.</summary>
public sealed class AssemblyTests
{
    // Two loads, of which the first is needed while both are on their way; a loop of one column inside.
    private const string Amd = """
        BB0:
        	s_mov_b32 s0, s3                                ; be800303
        BB5:
        	v_cmpx_ge_u32_e32 v2, v3                        ; 7dac0702
        	s_cbranch_scc0 BB14                             ; bf8400d3
        BB13:
        	buffer_load_dword v6, v7, s[16:19], 0 offen     ; e0301000
        	buffer_load_dwordx4 v[12:15], v5, s[20:23], 0 offen ; e0381000
        	s_waitcnt vmcnt(1)                              ; bf8c3f71
        	v_cvt_f32_ubyte0_e32 v8, v6                     ; 7e102305
        BB15:
        	v_fmac_f32_e32 v4, v8, v13                      ; 56082108
        	s_cbranch_scc1 BB15                             ; bf850001
        BB16:
        	s_branch BB5                                    ; bf82ff29
        BB14:
        	buffer_store_dword v4, v0, s[8:11], 0 offen     ; e0705000
        	s_endpgm                                        ; bf810000
        """;

    private const string Nvidia = """
        block.u 0 L3 [] -> {
              ur0     = r2ur r1                             // delay=2 rd:0 wr:1
        } -> [1]
        block 1 L8 [0, 4] -> {
              p2      = isetp.ge.u32 r9 r10                 // delay=13
        @!p2            bra L11                             // delay=1
        } -> [2, 3]
        block 2 L13 [1] -> {
                        exit                                // delay=1
        } -> []
        block 3 L11 [1] -> {
              r14     = ld.global.a64.constant.b32 [r14..16] // delay=6 wr:0
              r17     = i2f.f32.u32.re r14                  // delay=1 wr:0
              r11     = ffma.ftz r17 r22 r11                // delay=4 wt=000001
        } -> [4]
        block 4 L15 [3] -> {
                        bra L8                              // delay=1
        } -> [1]
        """;

    private const string Intel = """
        mov(16)         g23<1>UD        0x00000000UD                    { align1 1H };

        LABEL4:
        cmp.ge.f0.0(16) null<1>UD       g21<8,8,1>UD    g31<8,8,1>UD    { align1 1H };
        (+f0.0) break(16) JIP: LABEL3         UIP:  LABEL3              { align1 1H };
        send(16)        g82<1>UW        g80<0,1,0>UD    0x04205e02
                                    dp data 1 MsgDesc: (untyped surface read, Surface = 2, SIMD16, Mask = 0xe)  mlen 2 rlen 2 { align1 1H };
        mov(16)         g86<1>F         g82<32,8,4>UB                   { align1 1H };
        mad(16)         g121<1>F        g19<4,4,1>F     g4<4,4,1>F      g86<4,4,1>F { align16 1H compacted };
        add(8)          g22<1>D         g22<8,8,1>D     1D              { align1 WE_all 1Q };

        LABEL3:
        while(16)       JIP:  LABEL4                                    { align1 1H };
        mov(16)         g1<1>F          g121<8,8,1>F                    { align1 1H };
        """;

    [Fact]
    public void Amd_loop_is_counted_with_the_one_inside_it()
    {
        IReadOnlyList<BasicBlock> blocks = AmdAssembly.Parse(Amd);
        Assert.Equal(2, Loops.Of(blocks).Count);
        LoopProfile loop = LoopProfile.OfMainLoop(blocks, 64, innerTrips: 4, stepsHoldAllLoads: false);
        // Outside the inner loop 7, inside 2 x 4.
        Assert.Equal(15, loop.Instructions);
        Assert.Equal((2 + 4) * 64, loop.VectorLanes);
        Assert.Equal(64, loop.ConvertLanes);
        Assert.Equal(2, loop.Loads);
        // Two on their way at the first use, one at the second.
        Assert.Equal(1.5, loop.LoadsInFlight);
    }

    // Two loops that hold all loads: over units without scales and, inside, a unit's steps; or over runs and, inside, units with their
    // steps one after the other.
    private const string LoopInLoop = """
        BB0:
        	s_mov_b32 s0, s3                                ; be800303
        BB5:
        	v_cmpx_ge_u32_e32 v2, v3                        ; 7dac0702
        	s_cbranch_scc0 BB14                             ; bf8400d3
        BB13:
        	buffer_load_dwordx4 v[12:15], v5, s[20:23], 0 offen ; e0381000
        	v_fmac_f32_e32 v4, v8, v13                      ; 56082108
        	s_cbranch_scc1 BB13                             ; bf850001
        BB16:
        	s_branch BB5                                    ; bf82ff29
        BB14:
        	s_endpgm                                        ; bf810000
        """;

    [Fact]
    public void Main_loop_is_that_over_units_where_the_one_over_steps_holds_all_loads()
    {
        LoopProfile loop = LoopProfile.OfMainLoop(AmdAssembly.Parse(LoopInLoop), 64, innerTrips: 8, stepsHoldAllLoads: true);
        // Outside the inner loop 3, inside 3 x 8.
        Assert.Equal((27, 8), (loop.Instructions, loop.Loads));
    }

    [Fact]
    public void Main_loop_is_that_over_units_where_one_over_runs_is_left_around_it()
    {
        LoopProfile loop = LoopProfile.OfMainLoop(AmdAssembly.Parse(LoopInLoop), 64, innerTrips: 8, stepsHoldAllLoads: false);
        Assert.Equal((3, 1), (loop.Instructions, loop.Loads));
    }

    [Fact]
    public void Nvidia_loop_that_closes_behind_the_exit_is_found()
    {
        LoopProfile loop = LoopProfile.OfMainLoop(NvidiaAssembly.Parse(Nvidia), 32, 1, false);
        Assert.Equal(6, loop.Instructions);
        Assert.Equal(3 * 32, loop.VectorLanes);
        Assert.Equal(32, loop.ConvertLanes);
        Assert.Equal((1, 1), (loop.Loads, loop.LoadsInFlight));
    }

    [Fact]
    public void Intel_loop_counts_the_lanes_each_instruction_works_on()
    {
        LoopProfile loop = LoopProfile.OfMainLoop(IntelAssembly.Parse(Intel), 16, 1, false);
        Assert.Equal(7, loop.Instructions);
        Assert.Equal(16 + 16 + 16 + 8, loop.VectorLanes);
        Assert.Equal(16, loop.ConvertLanes);
        Assert.Equal(1, loop.Loads);
    }

    [Fact]
    public void A_program_without_a_loop_has_no_profile() =>
        Assert.Throws<InvalidDataException>(() => LoopProfile.OfMainLoop(AmdAssembly.Parse("BB0:\n\ts_endpgm ; bf810000\n"), 64, 1, false));
}
